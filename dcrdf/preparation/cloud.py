"""The points that a scan's plane, part and normals are taken from."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.sample import Scan
from dcrdf.preparation.holes import fill_some
from dcrdf.preparation.resize import Placement, place, resize_nearest

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Cloud:
    """A scan's points (h, w, 3), or those picked at the networks' size, and perhaps filled.

    `valid` were measured, `known` are those and the filled ones; `missing_share` is that of the
    scan at its own size.
    """

    xyz_m: NDArray[np.float32]
    valid: Mask
    known: Mask
    missing_share: float


def cloud_of(scan: Scan, placement: Placement, options: PrepareOptions) -> Cloud:
    """The scan's points as the options want them before anything is measured."""
    xyz_m, valid = scan.xyz, valid_points(scan.xyz)
    missing_share = 1.0 - np.count_nonzero(valid) / valid.size
    if options.resize_first:
        xyz_m, valid = resize_nearest(xyz_m, placement), resize_nearest(valid, placement)
    if options.fill_at != "raw":
        return Cloud(xyz_m, valid, valid, missing_share)
    axes = [fill_some(xyz_m[..., i], valid, options.fill, options.fill_rounds) for i in range(3)]
    filled_m = np.stack([values_m for values_m, _ in axes], axis=-1)
    return Cloud(filled_m, valid, axes[0][1], missing_share)


def placement_of(scan: Scan, options: PrepareOptions) -> Placement:
    """Where the scan lies inside the networks' square."""
    size = (scan.xyz.shape[0], scan.xyz.shape[1])
    return place(size, options.image_size, options.resize, options.pad_multiple)


def valid_points(xyz_m: NDArray[np.float32]) -> Mask:
    """Where a point (H, W, 3) was measured: finite and not all zero."""
    sums = cv2.transform(xyz_m, np.ones((1, 3))).reshape(xyz_m.shape[:2])
    bits = np.ascontiguousarray(xyz_m, np.float32).view(np.uint32)
    without_sign = (bits[..., 0] | bits[..., 1] | bits[..., 2]) << np.uint32(1)
    measured: Mask = np.isfinite(sums) & (without_sign != 0)
    return measured
