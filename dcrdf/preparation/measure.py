"""One scan at the networks' size, in metres: everything that needs no category constants."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.sample import Scan
from dcrdf.preparation.foreground import height_threshold_m, part_foreground
from dcrdf.preparation.holes import fill_holes
from dcrdf.preparation.normalise import Mode
from dcrdf.preparation.plane import Plane, PlaneFit, fit_border_plane, height_above
from dcrdf.preparation.resize import (
    pad_empty,
    pad_mirrored,
    place,
    resize_area,
    resize_nearest,
    resize_surface,
)

MM = 1e-3
FACING_PLANE = Plane((0.0, 0.0, -1.0), 0.0)
"""Stands in while a scan without any plane waits for the training split's."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ScanFacts:
    """What is known of a measured scan besides its images.

    The shares are of the scan at its own size. `inlier_share` is the border's agreement with the
    scan's own best plane (0 where there is none), `plane` the one that was used; `far_points` are
    missing ones that were given, implausibly far away.
    """

    native_size: tuple[int, int]
    plane: Plane
    inlier_share: float
    plane_accepted: bool
    plane_replaced: bool
    missing_share: float
    part_share: float
    far_points: int = 0

    @property
    def has_plane(self) -> bool:
        """Whether any plane was found at all."""
        return self.inlier_share > 0.0


@dataclass(frozen=True)
class MeasuredScan:
    """A scan brought to (S, S), in metres, its holes filled.

    `surface_m` float32 is the height above the plane (or z), `valid` where it was measured,
    `part` the foreground in case the category is a part.
    """

    rgb: NDArray[np.uint8]
    surface_m: NDArray[np.float32]
    valid: Mask
    part: Mask
    gt: Mask
    facts: ScanFacts


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

    A scan whose border fits no plane takes that of `training`, where given.
    """
    valid = valid_points(scan.xyz)
    facts, height_m, part = _above_plane(scan, valid, options, training)
    surface_m = height_m if options.depth == "height" else scan.xyz[..., 2]
    placement = place(facts.native_size, options.image_size, options.resize)
    resized_m, measured = resize_surface(surface_m, valid, placement)
    gt = np.zeros(valid.shape, np.bool_) if scan.gt is None else scan.gt
    return MeasuredScan(
        rgb=pad_mirrored(resize_area(scan.rgb, placement), placement),
        surface_m=pad_mirrored(fill_holes(resized_m, measured, options.fill), placement),
        valid=pad_empty(measured, placement),
        part=pad_empty(resize_nearest(part, placement), placement),
        gt=pad_empty(resize_nearest(gt, placement), placement),
        facts=facts,
    )


def part_of_scan(scan: Scan, options: PrepareOptions, training: TrainingPlane) -> Mask:
    """What is inspected, (H, W) at the scan's own size: the part, or the points of a field."""
    valid = valid_points(scan.xyz)
    return valid if training.mode == "field" else _above_plane(scan, valid, options, training)[2]


def _above_plane(
    scan: Scan, valid: Mask, options: PrepareOptions, training: TrainingPlane | None
) -> tuple[ScanFacts, NDArray[np.float32], Mask]:
    """Height (H, W) above the scan's own plane, or above that of `training` where needed."""
    fit = fit_border_plane(scan.xyz, valid, options.border_share, options.plane_inlier_mm * MM)
    above = _above(fit, None, scan, valid, options)
    if training is not None and training.is_needed_by(above[0]):
        return _above(fit, training.plane, scan, valid, options)
    return above


def _above(
    fit: PlaneFit | None, given: Plane | None, scan: Scan, valid: Mask, options: PrepareOptions
) -> tuple[ScanFacts, NDArray[np.float32], Mask]:
    """Height (H, W) above the given or the fitted plane, and the part that stands out of it."""
    plane = given or (fit.plane if fit else FACING_PLANE)
    height_m = height_above(plane, scan.xyz)
    sigma_m = fit.sigma_m if fit and given is None else 0.0
    threshold_m = height_threshold_m(
        sigma_m, options.foreground_sigmas, options.foreground_min_mm * MM
    )
    part = part_foreground(height_m, valid, threshold_m, options.component_min_share)
    inlier_share = fit.inlier_share if fit else 0.0
    facts = ScanFacts(
        native_size=(valid.shape[0], valid.shape[1]),
        plane=plane,
        inlier_share=inlier_share,
        plane_accepted=fit is not None and inlier_share >= options.plane_min_inlier_share,
        plane_replaced=given is not None,
        missing_share=1.0 - np.count_nonzero(valid) / valid.size,
        part_share=np.count_nonzero(part) / part.size,
        far_points=scan.far_points,
    )
    return facts, height_m, part


def valid_points(xyz_m: NDArray[np.float32]) -> Mask:
    """Where a point (H, W, 3) was measured: finite and not all zero."""
    sums = cv2.transform(xyz_m, np.ones((1, 3))).reshape(xyz_m.shape[:2])
    bits = np.ascontiguousarray(xyz_m, np.float32).view(np.uint32)
    without_sign = (bits[..., 0] | bits[..., 1] | bits[..., 2]) << np.uint32(1)
    measured: Mask = np.isfinite(sums) & (without_sign != 0)
    return measured
