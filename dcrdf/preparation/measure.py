"""One scan at the networks' size, in metres: everything that needs no category constants."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import PrepareOptions
from dcrdf.config.prepare_options import Frame
from dcrdf.datasets.sample import Scan
from dcrdf.preparation.above_plane import above_plane
from dcrdf.preparation.cloud import Cloud, cloud_of, placement_of, valid_points
from dcrdf.preparation.frame import camera_axes
from dcrdf.preparation.holes import fill_holes
from dcrdf.preparation.measured import Mask, MeasuredScan, TrainingPlane
from dcrdf.preparation.normals import (
    NormalsImage,
    fitted_normals,
    given_normals,
    sobel_normals,
)
from dcrdf.preparation.plane import (
    Plane,
)
from dcrdf.preparation.resampling import resample_colour, resample_mask
from dcrdf.preparation.resize import (
    Placement,
    pad_bars,
    pad_empty,
    resize_area,
    resize_nearest,
    resize_surface,
)

KEPT_HEIGHTS = 4096
"""Of a part's heights, kept beside the images where these are not heights."""


def measure_scan(
    scan: Scan,
    options: PrepareOptions,
    training: TrainingPlane | None = None,
    frame: Frame = "camera",
) -> MeasuredScan:
    """Plane, height, foreground, resize and hole filling (docs/method.md, section 1).

    A scan whose border (or corners) gives no plane takes that of `training`, where given; `frame`
    is that of the points while there is no `training`.
    `UserError` when normals are asked for that the scan lacks, or the points are in another frame
    than the training scans'.
    """
    frame = training.frame if training else frame
    given, scan = scan, camera_axes(scan) if frame == "camera" else scan
    placement = placement_of(scan, options)
    cloud = cloud_of(scan, placement, options)
    facts, height_m, part = above_plane(scan, cloud, options, training, frame)
    facts = replace(facts, turned=scan is not given)
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
    scan = camera_axes(scan) if training.frame == "camera" else scan
    cloud = cloud_of(scan, placement_of(scan, options), options)
    part = above_plane(scan, cloud, options, training, training.frame)[2]
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
