"""Losses, masks, maps and inputs of the flow and its student, written out by loops in float64.

Nothing here imports the package or torch. An image's map is (C, h, w); a mask (h, w).
"""

import itertools
import math

import numpy as np


def places(shape):
    """All (row, column)."""
    return itertools.product(range(shape[0]), range(shape[1]))


# Losses -------------------------------------------------------------------------------------------


def nll(z, log_det, mask=None):
    """At every place minus the logarithm of the likelihood without its constant; 0 off the mask."""
    result = np.zeros(log_det.shape)
    for row, col in places(log_det.shape):
        if mask is None or mask[row, col]:
            square = sum(value**2 for value in z[:, row, col])
            result[row, col] = 0.5 * square - log_det[row, col]
    return result


def flow_loss(images):
    """The mean over all places of all images, also those off the mask: of (z, log_det, mask)."""
    terms = [value for image in images for value in nll(*image).ravel()]
    return sum(terms) / len(terms)


def windows(shape, size):
    """The windows of pooling with that step, partial ones at the end: row, column, slices."""
    for row, col in places([math.ceil(side / size) for side in shape]):
        rows = slice(row * size, min((row + 1) * size, shape[0]))
        cols = slice(col * size, min((col + 1) * size, shape[1]))
        yield row, col, rows, cols


def pooled(x, size):
    """The mean of what is in each window."""
    result = np.zeros((len(x), *(math.ceil(side / size) for side in x.shape[1:])))
    for row, col, rows, cols in windows(x.shape[1:], size):
        for channel in range(len(x)):
            inside = x[channel, rows, cols].ravel()
            result[channel, row, col] = sum(inside) / len(inside)
    return result


def pooled_mask(mask, size, rule):
    """True where any cell of a window is (`any`), or at least half of those there are (`half`)."""
    result = np.zeros([math.ceil(side / size) for side in mask.shape], dtype=bool)
    for row, col, rows, cols in windows(mask.shape, size):
        inside = [bool(value) for value in mask[rows, cols].ravel()]
        needed = len(inside) / 2 if rule == "half" else 1
        result[row, col] = sum(inside) >= needed
    return result


def squared_distance(one, other, mask=None):
    """At every place the mean over channels of the squared difference; 0 off the mask."""
    result = np.zeros(one.shape[1:])
    for row, col in places(result.shape):
        if mask is None or mask[row, col]:
            terms = [
                (a - b) ** 2 for a, b in zip(one[:, row, col], other[:, row, col], strict=True)
            ]
            result[row, col] = sum(terms) / len(terms)
    return result


def student_loss(images, scales, rule="any"):
    """The mean over places and images of the masked distance, then over scales: of (z of the
    teacher, z of the student, mask)."""
    means = []
    for size in scales:
        terms = []
        for taught, learnt, mask in images:
            cells = None if mask is None else pooled_mask(mask, size, rule)
            terms += list(squared_distance(pooled(taught, size), pooled(learnt, size), cells).flat)
        means.append(sum(terms) / len(terms))
    return sum(means) / len(means)


# Inputs -------------------------------------------------------------------------------------------


def unshuffled(image, size):
    """(size g, size g) -> (size^2, g, g): channel size * i + j holds pixel (i, j) of each cell."""
    side = len(image) // size
    result = np.zeros((size**2, side, side))
    for row, col in places((side, side)):
        for i, j in places((size, size)):
            result[size * i + j, row, col] = image[size * row + i, size * col + j]
    return result


def centred(height, part, centre="image"):
    """Heights less their mean on the part (`image`) or as they are (`none`), 0 off the part."""
    on_part = [height[place] for place in places(height.shape) if part[place]]
    mean = sum(on_part) / len(on_part) if on_part and centre == "image" else 0.0
    result = np.zeros(height.shape)
    for place in places(height.shape):
        if part[place]:
            result[place] = height[place] - mean
    return result


def resized_by_area(image, side):
    """Each new pixel is the mean of those that it touches."""
    old = len(image)
    result = np.zeros((side, side))
    for row, col in places(result.shape):
        rows, cols = (
            range(math.floor(at * old / side), math.ceil((at + 1) * old / side))
            for at in (row, col)
        )
        touched = [image[r, c] for r in rows for c in cols]
        result[row, col] = sum(touched) / len(touched)
    return result


def depth_channels(height, part, grid, size=8, centre="image"):
    """The height as the flow sees it, (size^2, grid, grid)."""
    return unshuffled(resized_by_area(centred(height, part, centre), size * grid), size)


def cells(mask, grid):
    """True where a cell holds any pixel of the mask."""
    step = len(mask) // grid
    result = np.zeros((grid, grid), dtype=bool)
    for row, col in places(result.shape):
        for i, j in places((step, step)):
            result[row, col] |= bool(mask[step * row + i, step * col + j])
    return result


def trusted_masks(masks, training_shares):
    """Masks of images, all true where the part takes less than a tenth of what it usually does."""
    usual = np.median(training_shares)
    return [np.ones_like(mask) if mask.sum() / mask.size < 0.1 * usual else mask for mask in masks]


# Maps ---------------------------------------------------------------------------------------------


def upsampled(values, size):
    """Bilinear, corners of pixels aligned: (h, w) -> (size, size)."""
    height, width = values.shape
    result = np.zeros((size, size))

    def neighbours(index, count):
        at = min(max((index + 0.5) * count / size - 0.5, 0.0), count - 1.0)
        low = min(int(at), max(count - 2, 0))
        return low, min(low + 1, count - 1), at - low

    for row, col in places(result.shape):
        top, bottom, v = neighbours(row, height)
        left, right, u = neighbours(col, width)
        upper = (1 - u) * values[top, left] + u * values[top, right]
        lower = (1 - u) * values[bottom, left] + u * values[bottom, right]
        result[row, col] = (1 - v) * upper + v * lower
    return result


def distance_map(taught, learnt, mask, size):
    """The masked distance at the finest scale, as large as the image."""
    return upsampled(squared_distance(taught, learnt, mask), size)


def floor_of(images):
    """The lowest nll of a channel on cells of good parts: of (z, log_det, mask)."""
    lowest = math.inf
    for z, log_det, mask in images:
        value = nll(z, log_det) / len(z)
        for place in places(value.shape):
            if mask is None or mask[place]:
                lowest = min(lowest, value[place])
    return lowest


def likelihood_map(z, log_det, mask, floor, size):
    """How far the nll of a channel is above the floor, 0 off the mask, as large as the image."""
    result = np.zeros(log_det.shape)
    values = nll(z, log_det) / len(z)
    for place in places(result.shape):
        if mask is None or mask[place]:
            result[place] = max(0.0, values[place] - floor)
    return upsampled(result, size)


# Levels -------------------------------------------------------------------------------------------


def level(values, where, share=0.25):
    """The smallest value that at least that share of the places does not exceed."""
    inside = sorted(float(values[place]) for place in places(values.shape) if where[place])
    return inside[math.ceil(share * len(inside)) - 1]
