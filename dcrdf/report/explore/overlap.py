"""Region overlap and flagged pixels at a row of thresholds: a curve on which a point can move."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

_POINTS = 120
_EIGHT_NEIGHBOURS = 8


class OverlapCurve(NamedTuple):
    """At each threshold (T,), highest first: the share of defect-free pixels above it, and the mean
    share of a defect region that is."""

    thresholds: list[float]
    flagged: list[float]
    covered: list[float]


def overlap_curve(
    maps: NDArray[np.float16], masks: NDArray[np.bool_], limit: float
) -> OverlapCurve | None:
    """The region-overlap curve of maps and masks (N, S, S) up to a share `limit` of defect-free
    pixels flagged, at that many thresholds as a line needs; None without a region.

    Exact at each threshold (`value > threshold`); `dcrdf.metrics.pro_curve` has every bend.
    """
    regions = _regions(maps, masks)
    normal = maps[~masks]
    if not regions or not normal.size:
        return None
    values, above = _above_each(normal)
    wanted = limit * np.linspace(0.0, 1.0, _POINTS) ** 2
    places = np.searchsorted(above[::-1], wanted * normal.size, side="right") - 1
    at = np.unique(len(values) - 1 - places)[::-1]
    thresholds = values[at].astype(np.float64)
    shares = [
        1.0 - np.searchsorted(one, thresholds.astype(one.dtype), side="right") / one.size
        for one in regions
    ]
    return OverlapCurve(
        thresholds.tolist(),
        np.round(above[at] / normal.size, 6).tolist(),
        np.round(np.stack(shares).mean(axis=0), 5).tolist(),
    )


def _above_each(values: NDArray[np.float16]) -> tuple[NDArray[np.float16], NDArray[np.int64]]:
    """Distinct values, ascending, and how many of all lie above each: half precision has only
    65,536 of them, which are counted and not sorted."""
    unsigned_zeros = values + np.float16(0.0)
    counts = np.bincount(unsigned_zeros.view(np.uint16).ravel(), minlength=1 << 16)
    present = np.flatnonzero(counts)
    distinct = present.astype(np.uint16).view(np.float16)
    order = np.argsort(distinct, kind="stable")
    ranked = counts[present[order]]
    return distinct[order], values.size - np.cumsum(ranked)


def _regions(maps: NDArray[np.float16], masks: NDArray[np.bool_]) -> list[NDArray[np.float16]]:
    """The sorted values of each 8-connected region."""
    found = []
    for one, mask in zip(maps, masks, strict=True):
        if not mask.any():
            continue
        count, labels = cv2.connectedComponents(mask.astype(np.uint8), None, _EIGHT_NEIGHBOURS)
        found += [np.sort(one[labels == label]) for label in range(1, count)]
    return found
