"""One scan at the networks' size, in metres: everything that needs no category constants."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.sample import Scan
from dcrdf.preparation.cloud import Cloud, cloud_of, placement_of, valid_points
from dcrdf.preparation.corners import FOUR, THREE, fit_corner_plane, height_above_corners
from dcrdf.preparation.extent import distance_of, size_of
from dcrdf.preparation.foreground import MM, height_threshold_m, part_foreground
from dcrdf.preparation.holes import fill_holes
from dcrdf.preparation.normalise import Mode
from dcrdf.preparation.normals import (
    NormalsImage,
    fitted_normals,
    given_normals,
    sobel_normals,
)
from dcrdf.preparation.plane import Plane, PlaneFit, fit_border_plane, height_above
from dcrdf.preparation.resampling import resample_colour, resample_mask
from dcrdf.preparation.resize import (
    Placement,
    pad_bars,
    pad_empty,
    resize_area,
    resize_nearest,
    resize_surface,
)

FACING_PLANE = Plane((0.0, 0.0, -1.0), 0.0)
"""Stands in while a scan without any plane waits for the training split's."""

KEPT_HEIGHTS = 4096
"""Of a part's heights, kept beside the images where these are not heights."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ScanFacts:
    """What is known of a measured scan besides its images.

    The shares are of the scan at its own size. `inlier_share` is the border's agreement with the
    scan's own best plane (0 where there is none), `plane` the one that was used; a plane from
    corners is accepted whatever the border says. `far_points` are missing ones that were given,
    implausibly far away. `distance_m` is the points' median distance, `part_size_m` and
    `scan_size_m` are the diagonals of the part and of all that was measured; 0 without any.
    """

    native_size: tuple[int, int]
    plane: Plane
    inlier_share: float
    plane_accepted: bool
    plane_replaced: bool
    missing_share: float
    part_share: float
    far_points: int = 0
    distance_m: float = 0.0
    part_size_m: float = 0.0
    scan_size_m: float = 0.0

    def foreground_share(self, mode: Mode) -> float:
        """The share of the scan that is inspected: the part, or the points of a field."""
        return self.part_share if mode == "part" else 1.0 - self.missing_share

    def size_m(self, mode: Mode) -> float:
        """The diagonal of what is inspected."""
        return self.part_size_m if mode == "part" else self.scan_size_m

    @property
    def has_plane(self) -> bool:
        """Whether any plane was found at all."""
        return self.inlier_share > 0.0 or self.plane_accepted


@dataclass(frozen=True)
class MeasuredScan:
    """A scan brought to (S, S), in metres.

    `surface_m` float32 is the height above the plane (or z), its holes filled unless the options
    fill them later or not at all (then they are 0); `valid` is where it was measured, `part` the
    foreground in case the category is a part. `normals` (S, S, 3) where they are the surface;
    `part_heights_m` where `surface_m` does not say how high the part is: see `part_heights`.
    """

    rgb: NDArray[np.uint8]
    surface_m: NDArray[np.float32]
    valid: Mask
    part: Mask
    gt: Mask
    facts: ScanFacts
    normals: NormalsImage | None = None
    part_heights_m: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class TrainingPlane:
    """What scans without a plane of their own take over from the training split."""

    mode: Mode
    plane: Plane

    def is_needed_by(self, facts: ScanFacts) -> bool:
        """A part needs a sound background plane; a field's own best plane beats another scan's."""
        return not facts.has_plane or (self.mode == "part" and not facts.plane_accepted)


def measure_scan(
    scan: Scan, options: PrepareOptions, training: TrainingPlane | None = None
) -> MeasuredScan:
    """Plane, height, foreground, resize and hole filling (docs/method.md, section 1).

    A scan whose border (or corners) gives no plane takes that of `training`, where given.
    `UserError` when normals are asked for that the scan lacks.
    """
    placement = placement_of(scan, options)
    cloud = cloud_of(scan, placement, options)
    facts, height_m, part = _above_plane(scan, cloud, options, training)
    surface_m = height_m if options.depth == "height" else cloud.xyz_m[..., 2]
    by = "nearest" if options.resize_first else options.resize_surface
    resized_m, known = resize_surface(surface_m, cloud.known, placement, by)
    measured = known
    if cloud.known is not cloud.valid:
        measured = resize_surface(surface_m, cloud.valid, placement, by)[1]
    if options.fill_at == "resized":
        resized_m = fill_holes(resized_m, known, options.fill, options.fill_rounds)
    heights_m = (
        None if options.normalise == "category" else part_heights(height_m, part & cloud.known)
    )
    return MeasuredScan(
        rgb=pad_bars(
            _colour(scan.rgb, cloud.valid & ~part, placement, options), placement, options.pad
        ),
        surface_m=pad_bars(resized_m, placement, options.pad),
        valid=pad_empty(measured, placement),
        part=pad_empty(resize_nearest(part, placement), placement),
        gt=pad_empty(resized_truth(scan, placement, options), placement),
        facts=facts,
        normals=_normals(scan, cloud, part, facts.plane, placement, options),
        part_heights_m=heights_m,
    )


def part_of_scan(scan: Scan, options: PrepareOptions, training: TrainingPlane) -> Mask:
    """What is inspected, (H, W) at the scan's own size: the part, or the points of a field."""
    if training.mode == "field":
        return valid_points(scan.xyz)
    cloud = cloud_of(scan, placement_of(scan, options), options)
    part = _above_plane(scan, cloud, options, training)[2]
    height, width = scan.xyz.shape[:2]
    return resize_nearest(part, Placement(max(height, width), 0, 0, height, width))


def resized_truth(scan: Scan, placement: Placement, options: PrepareOptions) -> Mask:
    """The scan's mask at the placement's size; empty where none is given."""
    if scan.gt is None:
        return np.zeros((placement.height, placement.width), np.bool_)
    if options.resize_truth == "nearest":
        return resize_nearest(scan.gt, placement)
    return resample_mask(scan.gt, placement, options.resize_truth)


def part_heights(height_m: NDArray[np.float32], part: Mask) -> NDArray[np.float32]:
    """At most `KEPT_HEIGHTS` of the part's heights above the plane, evenly picked: they set the
    height range of the records where D_n is scaled image by image."""
    heights_m = height_m[part]
    return heights_m[:: -(-len(heights_m) // KEPT_HEIGHTS) or 1]


def _above_plane(
    scan: Scan, cloud: Cloud, options: PrepareOptions, training: TrainingPlane | None
) -> tuple[ScanFacts, NDArray[np.float32], Mask]:
    """Height (H, W) above the scan's own plane, or above that of `training` where needed."""
    fit = _fitted_plane(cloud, options)
    above = _above(fit, None, scan, cloud, options)
    if training is not None and training.is_needed_by(above[0]):
        return _above(fit, training.plane, scan, cloud, options)
    return above


def _fitted_plane(cloud: Cloud, options: PrepareOptions) -> PlaneFit | None:
    border = (options.border_share, options.plane_inlier_mm * MM)
    if options.plane == "border":
        return fit_border_plane(cloud.xyz_m, cloud.known, *border)
    corners = THREE if options.plane == "three_corners" else FOUR
    return fit_corner_plane(cloud.xyz_m, cloud.known, corners, *border)


def _above(
    fit: PlaneFit | None, given: Plane | None, scan: Scan, cloud: Cloud, options: PrepareOptions
) -> tuple[ScanFacts, NDArray[np.float32], Mask]:
    """Height (H, W) above the given or the fitted plane, and the part that stands out of it."""
    plane = given or (fit.plane if fit else FACING_PLANE)
    if options.plane == "four_corners" and fit and given is None:
        height_m = height_above_corners(cloud.xyz_m, cloud.known)
    else:
        height_m = height_above(plane, cloud.xyz_m)
    sigma_m = fit.sigma_m if fit and given is None else 0.0
    threshold_m = height_threshold_m(
        sigma_m, options.foreground_sigmas, options.foreground_min_mm * MM
    )
    part = part_foreground(height_m, cloud.xyz_m, cloud.known, threshold_m, options)
    inlier_share = fit.inlier_share if fit else 0.0
    facts = ScanFacts(
        native_size=(scan.xyz.shape[0], scan.xyz.shape[1]),
        plane=plane,
        inlier_share=inlier_share,
        plane_accepted=fit is not None
        and (options.plane != "border" or inlier_share >= options.plane_min_inlier_share),
        plane_replaced=given is not None,
        missing_share=cloud.missing_share,
        part_share=np.count_nonzero(part) / part.size,
        far_points=scan.far_points,
        distance_m=distance_of(scan.xyz),
        part_size_m=size_of(cloud.xyz_m, part & cloud.known),
        scan_size_m=size_of(cloud.xyz_m, cloud.valid),
    )
    return facts, height_m, part


def _colour(
    rgb: NDArray[np.uint8], removed: Mask, placement: Placement, options: PrepareOptions
) -> NDArray[np.uint8]:
    """Colour at the placement's size; black where a point was removed, if the options say so."""
    if options.colour_background == "black":
        rgb = np.where(removed[..., None], np.uint8(0), rgb)
    if options.resize_colour == "area":
        return resize_area(rgb, placement)
    return resample_colour(rgb, placement, options.resize_colour)


def _normals(
    scan: Scan,
    cloud: Cloud,
    part: Mask,
    plane: Plane,
    placement: Placement,
    options: PrepareOptions,
) -> NormalsImage | None:
    """The normals (S, S, 3) that the options ask for; None where heights are the surface."""
    if options.surface == "height":
        return None
    if options.normals == "given":
        normals = given_normals(scan.normals, cloud.valid, placement)
    elif options.normals == "fitted":
        normals = fitted_normals(cloud.xyz_m, cloud.known, plane, placement, options)
    else:
        z_m = cloud.xyz_m[..., 2]
        size, rounds = options.sobel_size, options.fill_rounds
        normals = sobel_normals(z_m, cloud.known, part, placement, size, rounds)
    return pad_bars(normals, placement, options.pad)
