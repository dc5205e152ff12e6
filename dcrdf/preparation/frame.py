"""Whose frame a scan's points are in: the camera's, with the origin in it, or another one.

Heights grow towards the camera. In its own frame the origin says where that is. Elsewhere (a
world's, a robot's, a height map's) the order of the pixels does: in right-handed coordinates the
step to the right times the step down points away from the camera, in left-handed ones towards it.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.prepare_options import Frame
from dcrdf.datasets.sample import Scan
from dcrdf.preparation.plane import Plane

Seen = Literal["camera", "grid", "other"]

SAMPLED_SIDE = 48
"""Rows and columns that are looked at, evenly picked."""
FEWEST_POINTS = 100
NEAR_PLANE_M = 0.005
"""Points this far from their plane, and ten times the median farther, count; others are thought to
be numbers that stand for nothing."""
MAX_MISS_SHARE = 0.01
"""A camera's rays, or the points of a grid, may miss straight lines by this share of the image."""
MAX_ASPECT = 1.05
"""Between the focal lengths of a camera; 1 for square pixels."""
MAX_CROSS_SHARE = 0.05
"""Of a ray's slope along the rows that it may also have along the columns."""
WIDEST_VIEW = 5.0
"""Half of the scan's diagonal, in distances of its plane from the origin: beyond it (a view of 157
degrees) no camera is at the origin."""


@dataclass(frozen=True)
class FrameFacts:
    """What one scan tells of its frame.

    `seen`: `camera` where its rays are a pinhole camera's, `grid` where x and y are those of a
    regular grid, as in a height map; otherwise `other`. `is_right_handed` and `up_right_handed`:
    the coordinates' hand if the origin, or the side to which z grows, is the camera's.
    `is_at_origin`: whether the plane is far enough from the origin for a camera to be there.
    """

    seen: Seen
    is_right_handed: bool
    up_right_handed: bool
    is_at_origin: bool

    @property
    def contradicts_camera(self) -> bool:
        """Whether the origin cannot be taken for the camera: too near, or behind the plane of
        right-handed coordinates. A mirrored camera's rays are still a camera's."""
        return not self.is_at_origin or not (self.is_right_handed or self.seen == "camera")

    def contradicts(self, frame: Frame) -> bool:
        """Whether heights in `frame` would have the wrong sign, as far as one scan can tell."""
        if frame == "camera":
            return self.contradicts_camera
        is_camera = self.seen == "camera" and self.is_at_origin
        return is_camera and self.is_right_handed != (frame == "right_handed")


def frame_facts(
    xyz_m: NDArray[np.float32], known: NDArray[np.bool_], plane: Plane
) -> FrameFacts | None:
    """Look at the points (H, W, 3) of a scan with a plane; None where there are too few."""
    height, width = known.shape
    points, pixels = _sampled(xyz_m, known)
    normal = np.array(plane.normal)
    off_plane_m = np.abs(points @ normal + plane.offset_m)
    near = off_plane_m <= 10.0 * np.median(off_plane_m) + NEAR_PLANE_M if len(points) else []
    points, pixels = points[near], pixels[near]
    if len(points) < FEWEST_POINTS:
        return None
    steps = np.linalg.lstsq(pixels, points, rcond=None)[0]
    away = np.cross(steps[0], steps[1])
    is_right_handed = bool(away @ normal < 0.0)
    reach_m = np.linalg.norm(steps[0] * width + steps[1] * height) / 2.0
    return FrameFacts(
        seen=_seen(points, pixels, max(height, width)),
        is_right_handed=is_right_handed,
        up_right_handed=is_right_handed == bool(normal[2] > 0.0),
        is_at_origin=bool(abs(plane.offset_m) * WIDEST_VIEW >= reach_m),
    )


def facing(plane: Plane, facts: FrameFacts | None, frame: Frame) -> Plane:
    """The plane, made for the camera's frame, turned so that heights grow towards the camera."""
    if frame == "camera" or facts is None:
        return plane
    if facts.is_right_handed == (frame == "right_handed"):
        return plane
    nx, ny, nz, offset_m = plane.coefficients
    return Plane((-nx, -ny, -nz), -offset_m)


def camera_axes(scan: Scan) -> Scan:
    """The scan itself or, where z is negative as OpenGL's cameras have it (y up, z backwards), the
    same with y and z turned; only where the rays are a camera's."""
    points, pixels = _sampled(scan.xyz, scan.xyz[..., 2] != 0.0)
    middle_m = np.median(points[:, 2]) if len(points) else 0.0
    near = np.abs(points[:, 2] / (middle_m or 1.0) - 1.0) < 0.8
    points, pixels = points[near], pixels[near]
    if len(points) < FEWEST_POINTS or middle_m > 0.0:
        return scan
    if _seen(points, pixels, max(scan.xyz.shape[:2])) != "camera":
        return scan
    return replace(scan, xyz=scan.xyz * np.array([1.0, -1.0, -1.0], np.float32))


def _sampled(
    xyz_m: NDArray[np.float32], known: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points (N, 3) evenly picked among the known ones, and their (column, row, 1)."""
    rows, columns = (_picked(side) for side in known.shape)
    picked = known[np.ix_(rows, columns)]
    v, u = (grid[picked] for grid in np.meshgrid(rows, columns, indexing="ij"))
    pixels = np.column_stack([u, v, np.ones(len(u))])
    return xyz_m[np.ix_(rows, columns)][picked].astype(np.float64), pixels


def _picked(side: int) -> NDArray[np.intp]:
    return np.unique(np.linspace(0, side - 1, SAMPLED_SIDE).astype(np.intp))


def _seen(points: NDArray[np.float64], pixels: NDArray[np.float64], side: int) -> Seen:
    """A camera's x/z and y/z are straight lines over columns and rows (or rows and columns, when
    the image was turned); a grid's x and y are."""
    z = points[:, 2]
    ahead = np.abs(z).min() > 0.1 * np.abs(z).max()
    if ahead and _is_straight(points[:, :2] / z[:, None], pixels, side):
        return "camera"
    return "grid" if _is_straight(points[:, :2], pixels, side) else "other"


def _is_straight(values: NDArray[np.float64], pixels: NDArray[np.float64], side: int) -> bool:
    """Whether two values depend on a pixel's column and row as a pinhole's or a grid's do."""
    slopes, *_ = np.linalg.lstsq(pixels, values, rcond=None)
    along = np.abs(slopes[:2])
    largest = along.max(axis=0)
    if not (largest > 0.0).all():
        return False
    missed_px = np.sqrt(np.square(values - pixels @ slopes).mean(axis=0)) / largest
    is_straight = missed_px.max() <= MAX_MISS_SHARE * side
    is_square = largest.max() <= MAX_ASPECT * largest.min()
    is_apart = (along.min(axis=0) <= MAX_CROSS_SHARE * largest).all()
    is_each = along[0].argmax() != along[1].argmax()
    return bool(is_straight and is_square and is_apart and is_each)
