"""The common ways to compute AUPRO, in plain versions of our own that share no code with dcrdf:
all pixels in one order, and equally spaced thresholds."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from bench.metrics.simulated import Bools, Floats, Split

Order = Callable[[Floats], NDArray[np.int64]]


def find_regions(masks: Bools) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Region of every pixel (0: none) over all images, and pixels of every region."""
    labels = np.zeros(masks.shape, np.int64)
    count = 0
    for index, mask in enumerate(masks):
        found, regions = ndimage.label(mask, np.ones((3, 3)))
        labels[index] = np.where(mask, found + count, 0)
        count += regions
    return labels, np.bincount(labels.ravel())


def area_to(limit: float, fpr: Floats, overlap: Floats) -> float:
    """Normalised area below the curve up to a false-positive rate."""
    inside = fpr < limit
    heights = np.append(overlap[inside], np.interp(limit, fpr, overlap))
    return float(np.trapezoid(heights, np.append(fpr[inside], limit)) / limit)


def numpy_order(scores: Floats) -> NDArray[np.int64]:
    """From the highest score down."""
    return np.argsort(scores)[::-1]


def torch_order(scores: Floats) -> NDArray[np.int64]:
    """From the highest score down."""
    return torch.argsort(torch.from_numpy(scores), descending=True).numpy()


def by_global_order(split: Split, limit: float, order_of: Order) -> float:
    """Sort all pixels, sum false positives and region shares up, keep one point a score."""
    labels, region_px = find_regions(split.masks)
    share = np.concatenate(([0.0], 1.0 / region_px[1:]))[labels.ravel()]
    scores = split.maps.ravel()
    order = order_of(scores)
    ranked = scores[order]
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    normal = ~split.masks.ravel()[order]
    fpr = np.cumsum(normal)[last_of_tie] / np.count_nonzero(normal)
    overlap = np.cumsum(share[order])[last_of_tie] / (region_px.size - 1)
    return area_to(limit, np.append(0.0, fpr), np.append(0.0, overlap))


def by_equal_thresholds(split: Split, limit: float, count: int = 200) -> float:
    """One look at all pixels for each of equally spaced thresholds; regions found once."""
    labels, region_px = find_regions(split.masks)
    defect_labels, normal_px = labels[split.masks], np.count_nonzero(~split.masks)
    points = [(0.0, 0.0)]
    for threshold in np.linspace(split.maps.max(), split.maps.min(), count):
        alarms = split.maps >= threshold
        found = np.bincount(defect_labels[alarms[split.masks]], minlength=region_px.size)
        false_alarms = np.count_nonzero(alarms) - found.sum()
        points.append((false_alarms / normal_px, float((found[1:] / region_px[1:]).mean())))
    fpr, overlap = np.array(points).T
    return area_to(limit, fpr, overlap)
