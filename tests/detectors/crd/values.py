"""Losses, maps, fusion, finite differences and Adam, written out by loops in float64."""

import itertools
import math

import numpy as np
import torch
from scipy import ndimage

from . import oracle

LOSSES = {"decoder": "decoded", "filter": "projected", "amplifier": "amplified", "output": "fused"}
"""The name of a branch's loss -> the features that it draws towards the teacher's."""
BETAS, EPS = (0.5, 0.999), 1e-8
TINY = 1e-300


def cosine(one, other):
    """Of two sequences of numbers; nothing has no direction, and 0 is said of it."""
    dot = sum(x * y for x, y in zip(one, other, strict=True))
    lengths = math.sqrt(sum(x * x for x in one) * sum(y * y for y in other))
    return dot / lengths if lengths > 0.0 else 0.0


def distance_by_loops(features, targets, distance):
    """Sum over stages of 1 - cos, the mean over images, flattened or per pixel."""
    total = 0.0
    for own, target in zip(features, targets, strict=True):
        count, _, height, width = own.shape
        terms = []
        for image in range(count):
            a, b = own[image].detach().numpy(), target[image].detach().numpy()
            if distance == "flattened":
                terms.append(1 - cosine(a.ravel(), b.ravel()))
                continue
            for y, x in itertools.product(range(height), range(width)):
                terms.append(1 - cosine(a[:, y, x], b[:, y, x]))
        total += sum(terms) / len(terms)
    return total


def distance(features, targets, kind):
    """The same without loops, for finite differences."""
    dims = (1, 2, 3) if kind == "flattened" else 1
    total = torch.zeros((), dtype=torch.float64)
    for own, target in zip(features, targets, strict=True):
        lengths = own.square().sum(dims).sqrt() * target.square().sum(dims).sqrt()
        cosines = (own * target).sum(dims) / lengths.clamp_min(TINY)
        total = total + (1 - cosines).mean()
    return total


def losses(output, own, kind, measure=distance):
    """A branch's losses by name; an absent part has none. `own` are the teacher's features."""
    features = {name: getattr(output, field) for name, field in LOSSES.items()}
    return {name: measure(x, own, kind) for name, x in features.items() if x is not None}


def derivative(function, parts, direction, step=1e-8):
    """d function / d parts along `direction` (of the same structure) by a central difference.

    `function` takes parts and what stops a gradient, and gives a tensor: what is stopped stays as
    it is at `parts`. Steps are short: a ReLU that one of them crosses spoils the result.
    """
    stopped = oracle.Stopped()
    function(parts, stopped)
    ends = []
    for sign in (1.0, -1.0):
        moved = {
            name: value + sign * step * direction[name]
            if isinstance(value, torch.Tensor)
            else [x + sign * step * y for x, y in zip(value, direction[name], strict=True)]
            for name, value in parts.items()
        }
        ends.append(function(moved, stopped.again()))
    return (ends[0] - ends[1]) / (2 * step)


def direction_in(parts, chosen, generator):
    """Random numbers for the tensors of a part, zeros for the others."""

    def filled(name, value):
        if isinstance(value, torch.Tensor):
            noise = torch.randn(value.shape, generator=generator, dtype=torch.float64)
            return noise if name == chosen else torch.zeros_like(noise)
        return [filled(name, x) for x in value]

    return {name: filled(name, value) for name, value in parts.items()}


def along(gradients, direction):
    """The sum of products of two structures of parts."""
    total = 0.0
    for name, value in gradients.items():
        pairs = (
            [(value, direction[name])]
            if isinstance(value, torch.Tensor)
            else zip(value, direction[name], strict=True)
        )
        total += sum(float((x * y).sum()) for x, y in pairs)
    return total


def upsampled(values, size):
    """Bilinear, corners of pixels aligned: (h, w) -> (size, size)."""
    height, width = values.shape
    result = np.zeros((size, size))

    def neighbours(index, count):
        at = min(max((index + 0.5) * count / size - 0.5, 0.0), count - 1.0)
        low = min(int(at), max(count - 2, 0))
        return low, min(low + 1, count - 1), at - low

    for y, x in itertools.product(range(size), range(size)):
        top, bottom, v = neighbours(y, height)
        left, right, u = neighbours(x, width)
        upper = (1 - u) * values[top, left] + u * values[top, right]
        lower = (1 - u) * values[bottom, left] + u * values[bottom, right]
        result[y, x] = (1 - v) * upper + v * lower
    return result


def anomaly_maps(features, targets, size):
    """Mean over stages of the upsampled 1 - cos at every place, not cut: (B, size, size)."""
    maps = []
    for image in range(len(targets[0])):
        stages = []
        for own, target in zip(features, targets, strict=True):
            a, b = own[image].detach().numpy(), target[image].detach().numpy()
            places = itertools.product(range(a.shape[1]), range(a.shape[2]))
            flat = [1 - cosine(a[:, y, x], b[:, y, x]) for y, x in places]
            stages.append(upsampled(np.array(flat).reshape(a.shape[1:]), size))
        maps.append(sum(stages) / len(stages))
    return np.array(maps)


def blurred(maps, sigma_px):
    """Gaussian filter of each map, cut at four deviations, mirrored at the border's pixel."""
    blur = ndimage.gaussian_filter
    return np.array([blur(x.astype(float), sigma_px, mode="mirror", truncate=4.0) for x in maps])


def zscore_sum(maps, good, sigma_px):
    """Both maps less the mean of good ones, over their population deviation, summed, blurred."""
    total = sum((x - good[name].mean()) / good[name].std() for name, x in maps.items())
    return blurred(total, sigma_px)


def learning_rate(epoch, start=0.005, decay=0.95):
    """Of an epoch that is counted from 0."""
    rate = start
    for _ in range(epoch):
        rate = rate * decay
    return rate


class Adam:
    """Kingma and Ba's algorithm 1 for one array."""

    def __init__(self, start):
        self.value = start.astype(np.float64)
        self.m, self.v, self.t = np.zeros_like(self.value), np.zeros_like(self.value), 0

    def step(self, gradient, rate):
        """One step with a gradient of the array's shape."""
        first, second = BETAS
        self.t += 1
        self.m = first * self.m + (1 - first) * gradient
        self.v = second * self.v + (1 - second) * gradient**2
        m = self.m / (1 - first**self.t)
        v = self.v / (1 - second**self.t)
        self.value = self.value - rate * m / (np.sqrt(v) + EPS)
