"""How far away and how large what a scan shows is: what tells one unit from another."""

import numpy as np
from numpy.typing import NDArray

from dcrdf.datasets.load import median_distance_m

Mask = NDArray[np.bool_]

EVERY = 4
"""Of the rows and columns that are looked at, where that leaves enough."""
ENDS = (5.0, 95.0)
"""Percentiles between which a size is taken: stray points beside a part do not count."""


def distance_of(xyz_m: NDArray[np.float32]) -> float:
    """The median distance in metres of the measured points (H, W, 3); 0 without any."""
    z_m = xyz_m[..., 2]
    return median_distance_m(z_m) if z_m.any() else 0.0


def size_of(xyz_m: NDArray[np.float32], where: Mask) -> float:
    """The diagonal in metres, across the camera's axis, of the points (H, W, 3) that `where`
    (H, W) names, without their outermost twentieths; 0 without any."""
    coarse = np.s_[::EVERY, ::EVERY]
    points_m = xyz_m[coarse][where[coarse]]
    if not len(points_m):
        points_m = xyz_m[where]
    if not len(points_m):
        return 0.0
    low_m, high_m = np.percentile(points_m[:, :2].astype(np.float64), ENDS, axis=0)
    return float(np.hypot(*(high_m - low_m)))
