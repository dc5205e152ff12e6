"""A sample's files -> arrays, checked against each other."""

import numpy as np
from numpy.typing import NDArray

from dcrdf.datasets.cameras import points_from_depth
from dcrdf.datasets.sample import Sample, Scan
from dcrdf.errors import UserError
from dcrdf.files.images import read_depth16, read_mask, read_rgb, read_xyz

FARTHEST_PLAUSIBLE_M = 50.0


def load_scan(sample: Sample) -> Scan:
    """Read a sample: colour, points in metres with missing ones (0, 0, 0), and the mask.

    `UserError` names the file when one is damaged, sizes differ, all points are missing, or the
    points lie so far away that millimetres must have been taken for metres.
    """
    rgb = read_rgb(sample.rgb)
    xyz = _points(sample)
    gt = None if sample.gt is None else read_mask(sample.gt)
    source = sample.xyz or sample.depth or sample.rgb
    for path, array in ((source, xyz), (sample.gt, gt)):
        if array is not None and array.shape[:2] != rgb.shape[:2]:
            raise UserError(
                f"{path}: {_size(array)} pixels, but {sample.rgb} has {_size(rgb)};"
                " the images of a sample must have one size"
            )
    return Scan(rgb, xyz, gt)


def _points(sample: Sample) -> NDArray[np.float32]:
    if sample.xyz is not None:
        xyz, hint = read_xyz(sample.xyz), "multiply the values by 0.001"
    elif sample.depth is not None and sample.camera is not None:
        xyz = points_from_depth(read_depth16(sample.depth), sample.camera)
        hint = "set depth_unit_m in the camera file (0.001 for millimetres)"
    else:
        raise UserError(f"{sample.rgb}: neither xyz nor depth with a camera belongs to this image")
    path = sample.xyz or sample.depth
    xyz = clear_missing(xyz)
    check_distances(xyz[:, :, 2], str(path), hint)
    return xyz


def check_distances(z: NDArray[np.float32], what: str, hint: str) -> None:
    """Refuse distances (H, W) that are all missing or can only be millimetres (`UserError`)."""
    if not z.any():
        raise UserError(f"{what}: all points are missing (zero or not finite)")
    distance_m = median_distance_m(z)
    if abs(distance_m) > FARTHEST_PLAUSIBLE_M:
        raise UserError(
            f"{what}: the median distance is {distance_m:.0f} m: millimetres given as metres?"
            f" {hint}"
        )


def median_distance_m(z: NDArray[np.float32]) -> float:
    """The median of the distances (H, W) that are not missing, from every fourth row and column."""
    coarse = z[::4, ::4]
    seen = coarse[coarse != 0]
    return float(np.median(seen if seen.size else z[z != 0]))


def clear_missing(xyz: NDArray[np.float32]) -> NDArray[np.float32]:
    """Points with a NaN or infinite coordinate become (0, 0, 0); the input is left alone."""
    with np.errstate(invalid="ignore", over="ignore"):
        not_finite = ~np.isfinite(xyz[:, :, 0] + xyz[:, :, 1] + xyz[:, :, 2])
    if not not_finite.any():
        return xyz
    return np.where(not_finite[:, :, None], np.float32(0), xyz)


def _size(array: NDArray[np.generic]) -> str:
    return f"{array.shape[0]} x {array.shape[1]}"
