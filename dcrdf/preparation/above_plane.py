"""A scan's heights above its plane, or above the training split's, and the part that stands out."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import PrepareOptions
from dcrdf.config.prepare_options import Frame
from dcrdf.datasets.sample import Scan
from dcrdf.errors import UserError
from dcrdf.preparation.cloud import Cloud
from dcrdf.preparation.corners import FOUR, THREE, fit_corner_plane, height_above_corners
from dcrdf.preparation.extent import distance_of, size_of
from dcrdf.preparation.foreground import MM, height_threshold_m, part_foreground
from dcrdf.preparation.frame import FrameFacts, facing, frame_facts
from dcrdf.preparation.measured import Mask, ScanFacts, TrainingPlane
from dcrdf.preparation.plane import (
    Plane,
    PlaneFit,
    border_missing_share,
    fit_border_plane,
    height_above,
)

FACING_PLANE = Plane((0.0, 0.0, -1.0), 0.0)
"""Stands in while a scan without any plane waits for the training split's."""

SURE_INLIER_SHARE = 0.5
"""Of the border: a plane that fits less of it says nothing of the points' frame."""
OTHER_FRAME: Mapping[Frame, str] = {
    "camera": "its points are not in a camera's frame, as the training scans' are: the background"
    " lies too near the origin, or in front of it; give points as the camera sees them",
    "right_handed": "its points are a mirrored camera's, the training scans' are right-handed",
    "left_handed": "its points are a camera's, the training scans' are left-handed",
}


def above_plane(
    scan: Scan,
    cloud: Cloud,
    options: PrepareOptions,
    training: TrainingPlane | None,
    frame: Frame,
) -> tuple[ScanFacts, NDArray[np.float32], Mask]:
    """What is known of the scan, its height (H, W) above its own plane, or above that of `training`
    where needed, and its part. `UserError` for points in another frame than the training scans'."""
    fit = _fitted_plane(cloud, options)
    seen = None
    if fit is not None and fit.inlier_share >= SURE_INLIER_SHARE:
        seen = frame_facts(cloud.xyz_m, cloud.known, fit.plane)
        fit = replace(fit, plane=facing(fit.plane, seen, frame))
    above = _above(fit, None, scan, cloud, options, seen)
    if training is None:
        return above
    if options.frame == "auto" and above[0].contradicts(frame):
        raise UserError(OTHER_FRAME[frame])
    if training.is_needed_by(above[0]):
        return _above(fit, training.plane, scan, cloud, options, seen)
    return above


def _fitted_plane(cloud: Cloud, options: PrepareOptions) -> PlaneFit | None:
    border = (options.border_share, options.plane_inlier_mm * MM)
    if options.plane == "border":
        return fit_border_plane(cloud.xyz_m, cloud.known, *border)
    corners = THREE if options.plane == "three_corners" else FOUR
    return fit_corner_plane(cloud.xyz_m, cloud.known, corners, *border)


def _above(
    fit: PlaneFit | None,
    given: Plane | None,
    scan: Scan,
    cloud: Cloud,
    options: PrepareOptions,
    seen: FrameFacts | None,
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
    below = np.zeros_like(part)
    if seen is not None and seen.seen != "camera":
        below = part_foreground(-height_m, cloud.xyz_m, cloud.known, threshold_m, options)
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
        remarks=scan.remarks,
        border_missing_share=border_missing_share(cloud.valid, options.border_share),
        distance_m=distance_of(scan.xyz),
        part_size_m=size_of(cloud.xyz_m, part & cloud.known),
        scan_size_m=size_of(cloud.xyz_m, cloud.valid),
        frame=seen,
        below_share=np.count_nonzero(below) / below.size,
    )
    return facts, height_m, part
