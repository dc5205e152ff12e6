"""The background from the image's corners alone, as two published preparations take it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dcrdf.preparation.plane import PlaneFit, Points, judged_by_border, towards_camera

Mask = NDArray[np.bool_]

THREE = ((0, 0), (0, 1), (1, 0))
"""Top-left, top-right, bottom-left: CRD (hito2448/TRD)."""
FOUR = (*THREE, (1, 1))
"""All four: AST."""
BLOCK_PX = {THREE: 3, FOUR: 2}
"""Width of the blocks whose points are averaged."""


def corner_points(
    xyz_m: Points, valid: Mask, block_px: int, corners: Sequence[tuple[int, int]]
) -> NDArray[np.float64] | None:
    """Means (K, 3) of the valid points in the corners' blocks; None where a block has none."""
    means = []
    for bottom, right in corners:
        block = (
            slice(-block_px, None) if bottom else slice(block_px),
            slice(-block_px, None) if right else slice(block_px),
        )
        points = xyz_m[block][valid[block]]
        if not len(points):
            return None
        means.append(points.mean(axis=0, dtype=np.float64))
    return np.array(means)


def fit_corner_plane(
    xyz_m: Points,
    valid: Mask,
    corners: tuple[tuple[int, int], ...],
    border_share: float,
    inlier_m: float,
) -> PlaneFit | None:
    """The plane through three corner points, or the least-squares one of four; None where a corner
    has no points or all lie on one line. How well it fits, the border ring says, as of every plane.
    """
    points = corner_points(xyz_m, valid, BLOCK_PX[corners], corners)
    if points is None:
        return None
    centre = points.mean(axis=0)
    around = points - centre
    spreads, directions = np.linalg.eigh(np.einsum("ni,nj->ij", around, around))
    if spreads[1] <= np.finfo(np.float32).eps * spreads[2]:
        return None
    normal = directions[:, 0]
    plane = towards_camera(normal, -float(normal @ centre))
    return judged_by_border(plane, xyz_m, valid, border_share, inlier_m)


def bilinear_background_m(
    corner_z_m: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Distances (H, W) interpolated in pixel coordinates between the four of `FOUR`."""
    down, right = (np.linspace(0.0, 1.0, side)[:, None] for side in size)
    rows = np.hstack([1.0 - down, down])
    columns = np.hstack([1.0 - right, right])
    return (rows @ corner_z_m.reshape(2, 2) @ columns.T).astype(np.float32)


def height_above_corners(xyz_m: Points, valid: Mask) -> NDArray[np.float32]:
    """Bilinear background minus z, (H, W) in metres along the optical axis: as AST measures it.

    It is no plane: perspective bends it away from a flat table by 0.14 mm on a field 94 mm wide,
    and by 1.7 mm on one of 333 mm, at 10 degrees of tilt and half a metre. Corners without points
    raise ValueError.
    """
    points = corner_points(xyz_m, valid, BLOCK_PX[FOUR], FOUR)
    if points is None:
        raise ValueError("a corner has no points")
    return bilinear_background_m(points[:, 2], valid.shape) - xyz_m[..., 2]
