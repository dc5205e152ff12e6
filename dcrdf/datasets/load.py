"""A sample's files -> arrays, checked against each other."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.datasets.cameras import points_from_depth
from dcrdf.datasets.sample import Camera, Sample, Scan
from dcrdf.errors import UserError
from dcrdf.files.images import read_depth16, read_rgb, read_xyz
from dcrdf.files.masks import read_mask
from dcrdf.files.orientation import TURNED
from dcrdf.files.remarks import Remark, Remarks

FARTHEST_PLAUSIBLE_M = 50.0
"""A point with a coordinate beyond it was not measured: some sensors write such a number (65.535,
the largest float) where they saw nothing."""

ZERO_DEPTH_GAP = 0.2
"""Points with z = 0 were not measured where no other is nearer than this share of the median."""

NEAREST_PLAUSIBLE_M = 1e-3
"""Nearer to the camera is nothing; what seems to be was not given in the unit it was read in."""


AT_CAMERA = Remark("missing depth", "points with z = 0 but not x and y taken as missing")
"""What a reprojection makes of a depth of 0: such a point would lie beside the camera itself."""
EMPTY = Remark("masks", "the mask of a defective sample is empty")
MARKED_GOOD = Remark("masks", "the mask of a good sample marks a defect")


def load_scan(sample: Sample, with_normals: bool = False) -> Scan:
    """Read a sample: colour, points in metres with missing ones (0, 0, 0), the mask, and its own
    normals where they are asked for.

    Points beyond `FARTHEST_PLAUSIBLE_M` are missing ones; the scan counts them. Other things that
    were put right or are odd stand in its remarks.

    `UserError` names the file when one is damaged, normals are lacking, sizes differ, all points
    are missing, or they lie so far away that millimetres must have been taken for metres.
    """
    remarks: Remarks = []
    rgb = read_rgb(sample.rgb, remarks)
    xyz, far_points = _points(sample, remarks)
    gt = None if sample.gt is None else read_mask(sample.gt, remarks)
    normals = _normals(sample) if with_normals else None
    if gt is not None and bool(gt.any()) is sample.is_good:
        remarks.append(MARKED_GOOD if sample.is_good else EMPTY)
    source = sample.xyz or sample.depth or sample.rgb
    for path, array in ((source, xyz), (sample.gt, gt), (sample.normals, normals)):
        if array is not None and array.shape[:2] != rgb.shape[:2]:
            turned = " (turned as an orientation tag says)" if TURNED in remarks else ""
            raise UserError(
                f"{path}: {_size(array)} pixels, but {sample.rgb} has {_size(rgb)}{turned};"
                " the images of a sample must have one size"
            )
    return Scan(rgb, xyz, gt, far_points, normals, tuple(dict.fromkeys(remarks)))


def _normals(sample: Sample) -> NDArray[np.uint8]:
    if sample.normals is None:
        raise UserError(
            f"{sample.rgb}: no normals belong to it; prepare.normals: fitted computes them"
        )
    return read_rgb(sample.normals)


def load_points(
    path: Path,
    camera: Camera | None = None,
    unit_m: float = 1.0,
    remarks: Remarks | None = None,
) -> tuple[NDArray[np.float32], int]:
    """Read a file of points in a unit or, with a camera, a 16-bit depth image; see `load_scan`.

    Returns points (H, W, 3) in metres, missing ones (0, 0, 0), and how many lay implausibly far
    away.
    """
    if camera is None and unit_m != 1.0:
        with np.errstate(over="ignore", invalid="ignore"):
            xyz = read_xyz(path, remarks) * np.float32(unit_m)
        return _clear_scaled(xyz, path, unit_m, remarks)
    if camera is None:
        xyz = read_xyz(path, remarks)
        return clear_missing(xyz, str(path), "multiply the values by 0.001", remarks)
    hint = "set depth_unit_m in the camera file (0.001 for millimetres)"
    points = points_from_depth(read_depth16(path, remarks), camera)
    return clear_missing(points, str(path), hint, remarks)


def _points(sample: Sample, remarks: Remarks) -> tuple[NDArray[np.float32], int]:
    if sample.xyz is not None:
        xyz, far_points = load_points(sample.xyz, unit_m=sample.xyz_unit_m, remarks=remarks)
    elif sample.depth is not None and sample.camera is not None:
        xyz, far_points = load_points(sample.depth, sample.camera, remarks=remarks)
    else:
        raise UserError(f"{sample.rgb}: neither xyz nor depth with a camera belongs to this image")
    if sample.widest_x_m is not None:
        xyz[np.abs(xyz[:, :, 0]) > sample.widest_x_m] = 0.0
        _check_any(xyz, str(sample.xyz or sample.depth))
    return xyz, far_points


def _clear_scaled(
    xyz: NDArray[np.float32], path: Path, unit_m: float, remarks: Remarks | None
) -> tuple[NDArray[np.float32], int]:
    """`clear_missing` for points that were not given in metres."""
    hint = f"it was read in units of {unit_m:g} m; see dataset.reader.unit"
    cleared, far_points = clear_missing(xyz, str(path), hint, remarks)
    distance_m = abs(median_distance_m(cleared[:, :, 2]))
    if distance_m < NEAREST_PLAUSIBLE_M:
        raise UserError(
            f"{path}: the median distance is {distance_m:.4g} m, read in units of {unit_m:g} m:"
            " metres given as millimetres? convert it, or set dataset.reader.unit"
        )
    return cleared, far_points


def clear_missing(
    xyz: NDArray[np.float32], what: str, hint: str, remarks: Remarks | None = None
) -> tuple[NDArray[np.float32], int]:
    """Points (H, W, 3) whose unmeasured ones are (0, 0, 0), and how many lay implausibly far away.

    Not measured is what has a coordinate that is NaN, infinite or beyond `FARTHEST_PLAUSIBLE_M`,
    and what lies at the camera (z = 0, which is remarked) where nothing else is near it. The input
    is left alone. `UserError`
    when all points of `what` are missing, or so far away that they can only be millimetres: `hint`
    says what to do.
    """
    _check_any(xyz, what)
    limit = (FARTHEST_PLAUSIBLE_M,) * 3
    near = cv2.inRange(xyz, tuple(-x for x in limit), limit).astype(np.bool_)
    x, y, z = (xyz[:, :, axis] for axis in range(3))
    at_camera = near & (z == 0) & ((x != 0) | (y != 0))
    if at_camera.any() and _are_heights(z):
        at_camera[:] = False
    if at_camera.any() and remarks is not None:
        remarks.append(AT_CAMERA)
    usable = near & ~at_camera
    if usable.all():
        return xyz, 0
    finite = np.isfinite(xyz).all(axis=2)
    _check_distances(np.where(finite, xyz[:, :, 2], np.float32(0)), what, hint)
    cleared = np.where(usable[:, :, None], xyz, np.float32(0))
    _check_any(cleared, what)
    return cleared, int(np.count_nonzero(finite & ~near))


def _are_heights(z: NDArray[np.float32]) -> bool:
    """Whether z (H, W), which is 0 somewhere, is a height in a world's frame and 0 one like any
    other: a camera has nothing near itself."""
    nearest_m = float(np.fmin.reduce(np.abs(z[z != 0])))  # passes over NaN
    return not nearest_m > ZERO_DEPTH_GAP * abs(median_distance_m(np.nan_to_num(z)))


def _check_any(xyz: NDArray[np.float32], what: str) -> None:
    if not xyz[:, :, 2].any():
        raise UserError(
            f"{what}: all points are missing (zero, not finite or farther than"
            f" {FARTHEST_PLAUSIBLE_M:.0f} m)"
        )


def _check_distances(z: NDArray[np.float32], what: str, hint: str) -> None:
    """Refuse distances (H, W) that can only be millimetres (`UserError`)."""
    distance_m = median_distance_m(z) if z.any() else 0.0
    if abs(distance_m) > FARTHEST_PLAUSIBLE_M:
        raise UserError(
            f"{what}: the median distance is {distance_m:.4g} m: millimetres given as metres?"
            f" {hint}"
        )


def median_distance_m(z: NDArray[np.float32]) -> float:
    """The median of the distances (H, W) that are not missing, from every fourth row and column."""
    coarse = z[::4, ::4]
    seen = coarse[coarse != 0]
    # The mean of two middle ones may be beyond float32.
    return float(np.median((seen if seen.size else z[z != 0]).astype(np.float64)))


def _size(array: NDArray[np.generic]) -> str:
    return f"{array.shape[0]} x {array.shape[1]}"
