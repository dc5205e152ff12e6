"""The background plane: deterministic RANSAC on the image border, refined by least squares."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]

HYPOTHESES = 256
"""Triples tried; with 40 % inliers all miss with probability 0.936 ** 256 = 5e-8."""
FITTED_POINTS = 4096
VOTING_POINTS = 1024
"""Border points that take part in the fit, and in the vote on hypotheses: evenly picked."""
REFINEMENTS = 3
MIN_RING_SHARE_VALID = 0.1
MAX_RING_SHARE = 0.25
MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True)
class Plane:
    """`normal . point + offset_m` is the height in metres above the plane, towards the camera."""

    normal: tuple[float, float, float]
    offset_m: float

    @property
    def coefficients(self) -> tuple[float, float, float, float]:
        """(nx, ny, nz, offset_m)."""
        return (*self.normal, self.offset_m)

    @classmethod
    def from_coefficients(cls, coefficients: tuple[float, float, float, float]) -> "Plane":
        """The inverse of `coefficients`."""
        nx, ny, nz, offset_m = coefficients
        return cls((nx, ny, nz), offset_m)


@dataclass(frozen=True)
class PlaneFit:
    """The best plane of one scan's border and how well the border agrees with it."""

    plane: Plane
    inlier_share: float
    sigma_m: float
    """Robust deviation (1.4826 x MAD) of the inliers from the plane."""


def fit_border_plane(
    xyz_m: Points, valid: NDArray[np.bool_], border_share: float, inlier_m: float
) -> PlaneFit | None:
    """Fit the plane of the border ring of `xyz_m` (H, W, 3); None without three usable points.

    The ring is `border_share` of the shorter side wide and doubles while less than a tenth of it
    is valid. The hypotheses come from a fixed seed, so that a scan alone decides its plane.
    """
    ring = _evenly_picked(border_points(xyz_m, valid, border_share), FITTED_POINTS)
    if len(ring) < 3:
        return None
    centre = ring.mean(axis=0)
    centred = ring - centre
    best = _best_hypothesis(centred, inlier_m)
    if best is None:
        return None
    normal, offset_m = _refine(centred, *best, inlier_m)
    plane = towards_camera(normal, offset_m - float(normal @ centre))
    return PlaneFit(plane, *_agreement(_signed_distances(centred, normal, offset_m), inlier_m))


def judged_by_border(
    plane: Plane, xyz_m: Points, valid: NDArray[np.bool_], border_share: float, inlier_m: float
) -> PlaneFit:
    """A plane that was found otherwise, and how well the border agrees with it."""
    ring = _evenly_picked(border_points(xyz_m, valid, border_share), FITTED_POINTS)
    distances_m = _signed_distances(ring, np.array(plane.normal), plane.offset_m)
    return PlaneFit(plane, *_agreement(distances_m, inlier_m))


def _agreement(distances_m: NDArray[np.float64], inlier_m: float) -> tuple[float, float]:
    """The share of inliers among signed distances, and their robust deviation."""
    residual_m = np.abs(distances_m)
    inliers = residual_m <= inlier_m
    if not inliers.any():
        return 0.0, inlier_m
    return float(inliers.mean()), MAD_TO_SIGMA * float(np.median(residual_m[inliers]))


def border_points(xyz_m: Points, valid: NDArray[np.bool_], border_share: float) -> Points:
    """The valid points (N, 3) of the image border."""
    side = min(valid.shape)
    ring_px = max(2, round(border_share * side))
    while True:
        usable = _ring(valid, ring_px)
        enough = np.count_nonzero(usable) >= MIN_RING_SHARE_VALID * usable.size
        if enough or ring_px >= MAX_RING_SHARE * side:
            return _ring(xyz_m, ring_px)[usable]
        ring_px *= 2


def missing_border_share(valid: NDArray[np.bool_], border_share: float) -> float:
    """The share of the border ring, as wide as it is at first, that was not measured."""
    ring = _ring(valid, max(2, round(border_share * min(valid.shape))))
    return 1.0 - np.count_nonzero(ring) / ring.size


def _ring(image: NDArray[Any], ring_px: int) -> NDArray[Any]:
    """The border pixels of (H, W, ...) as (N, ...): top, bottom, left, right."""
    middle = image[ring_px:-ring_px]
    strips = (image[:ring_px], image[-ring_px:], middle[:, :ring_px], middle[:, -ring_px:])
    return np.concatenate([strip.reshape(-1, *image.shape[2:]) for strip in strips])


def _evenly_picked(points: NDArray[Any], count: int) -> NDArray[np.float64]:
    picked: NDArray[np.float64] = points[:: -(-len(points) // count) or 1].astype(np.float64)
    return picked


def height_above(plane: Plane, xyz_m: Points) -> NDArray[np.float32]:
    """Signed height (H, W) in metres above `plane`; meaningless where a point is missing."""
    heights_m = cv2.transform(xyz_m, np.array([plane.coefficients]))
    return np.asarray(heights_m, np.float32).reshape(xyz_m.shape[:2])


def median_plane(planes: list[Plane]) -> Plane:
    """The component-wise median of `planes` with its normal brought back to unit length."""
    middle = np.median([plane.coefficients for plane in planes], axis=0)
    nx, ny, nz, offset_m = (middle / np.linalg.norm(middle[:3])).tolist()
    return Plane((nx, ny, nz), offset_m)


def _best_hypothesis(
    points: NDArray[np.float64], inlier_m: float
) -> tuple[NDArray[np.float64], float] | None:
    """The plane through three points with the least sum of distances, each cut at `inlier_m`:
    unlike a plain count of inliers, this prefers the plane that fits the inliers best."""
    x, y, z = _evenly_picked(points, VOTING_POINTS).astype(np.float32).T
    generator = np.random.default_rng(0)
    corners = points[generator.integers(len(points), size=(HYPOTHESES, 3))]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    usable = lengths > np.finfo(np.float64).eps
    if not usable.any():
        return None
    normals = normals[usable] / lengths[usable, None]
    offsets = -np.einsum("hk,hk->h", normals, corners[usable, 0])
    nx, ny, nz, offset = np.column_stack([normals, offsets]).astype(np.float32).T[..., None]
    distances = np.abs(nx * x + ny * y + nz * z + offset)
    best = int(np.argmin(np.minimum(distances, np.float32(inlier_m)).sum(axis=1)))
    return normals[best], float(offsets[best])


def _refine(
    points: NDArray[np.float64], normal: NDArray[np.float64], offset_m: float, inlier_m: float
) -> tuple[NDArray[np.float64], float]:
    """Least squares, again and again, on the inliers within three robust deviations."""
    for _ in range(REFINEMENTS):
        distance = np.abs(_signed_distances(points, normal, offset_m))
        spread_m = MAD_TO_SIGMA * float(np.median(distance[distance <= inlier_m]))
        limit_m = min(inlier_m, max(3.0 * spread_m, inlier_m / 10.0))
        inliers = points[distance <= limit_m]
        if len(inliers) < 3:
            break
        centre = inliers.mean(axis=0)
        around = inliers - centre
        _, directions = np.linalg.eigh(np.einsum("ni,nj->ij", around, around))
        normal = directions[:, 0]
        offset_m = -float(normal @ centre)
    return normal, offset_m


def _signed_distances(
    points: NDArray[np.float64], normal: NDArray[np.float64], offset_m: float
) -> NDArray[np.float64]:
    return np.einsum("nk,k->n", points, normal) + offset_m


def towards_camera(normal: NDArray[np.float64], offset_m: float) -> Plane:
    """The plane of a unit normal, turned so that heights grow towards the camera."""
    sign = -1.0 if offset_m < 0.0 else 1.0
    nx, ny, nz = (sign * normal).tolist()
    return Plane((nx, ny, nz), sign * offset_m)
