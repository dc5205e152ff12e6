"""The points of a scan at the networks' size, for detectors that read them."""

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.sample import Scan
from dcrdf.preparation.cloud import placement_of
from dcrdf.preparation.resize import pad_empty, resize_nearest


def picked_points(
    scan: Scan, part: NDArray[np.bool_], options: PrepareOptions
) -> NDArray[np.float32]:
    """Points (S, S, 3) in metres, the camera's frame, each as it was measured; missing ones 0, and
    so are those beside the part (S, S) where the options take the background out."""
    placement = placement_of(scan, options)
    xyz_m = pad_empty(resize_nearest(scan.xyz, placement), placement)
    if options.background == "keep":
        return xyz_m
    return np.where(part[..., None], xyz_m, np.float32(0.0))
