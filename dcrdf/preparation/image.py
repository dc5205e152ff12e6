"""One prepared image: a measured scan finished with its category's constants."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.sample import Scan
from dcrdf.preparation.foreground import MM
from dcrdf.preparation.frame import camera_axes
from dcrdf.preparation.holes import fill_holes
from dcrdf.preparation.measure import measure_scan
from dcrdf.preparation.measured import TrainingPlane
from dcrdf.preparation.normalise import (
    PreparationConstants,
    centred,
    normalise,
    part_mean_m,
    scaled_to_range,
)
from dcrdf.preparation.normals import FLAT, NormalsImage
from dcrdf.preparation.points import picked_points
from dcrdf.preparation.resize import inside_mask, place

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class PreparedImage:
    """What the detectors see of one scan, all (S, S): colour uint8 (S, S, 3), `depth` float32
    D_n, `valid` where depth was measured, `foreground` M_f, `inside` where the image is (not a
    letterbox's bars); `normals` float16 (S, S, 3) within [0, 1] where the options make them the
    surface."""

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    valid: Mask
    foreground: Mask
    inside: Mask
    normals: NormalsImage | None = None
    points: NDArray[np.float32] | None = None
    """(S, S, 3) in metres, missing ones 0, where they are asked for."""
    missing_share: float = 0.0
    foreground_share: float = 0.0
    distance_m: float = 0.0
    size_m: float = 0.0
    """Of the scan at its own size, as `PreparedSplit` has them."""


def prepare_scan(
    scan: Scan,
    options: PrepareOptions,
    constants: PreparationConstants,
    *,
    keep_xyz: bool = False,
) -> PreparedImage:
    """Prepare one scan with its category's constants, bit for bit as `prepare_category` does.

    `scan.xyz` may be missing altogether: `depth` is then the plane's.
    """
    training = TrainingPlane.of(constants)
    measured = measure_scan(scan, options, training)
    valid, part, size = measured.valid, measured.part, measured.facts.native_size
    finisher = Finisher(options, constants)
    depth, foreground = finisher.depth(measured.surface_m, valid, part, size)
    normals = measured.normals
    if normals is not None:
        normals = finisher.normals(normals, valid, part, size)
    inside = inside_mask(size, options.image_size, options.resize, options.pad_multiple)
    seen = camera_axes(scan) if measured.facts.turned else scan
    points = picked_points(seen, part, options) if keep_xyz else None
    return PreparedImage(
        rgb=measured.rgb,
        depth=depth,
        valid=valid,
        foreground=foreground,
        inside=inside,
        normals=normals,
        points=points,
        missing_share=measured.facts.missing_share,
        foreground_share=measured.facts.foreground_share(constants.mode),
        distance_m=measured.facts.distance_m,
        size_m=measured.facts.size_m(constants.mode),
    )


@dataclass(frozen=True)
class Finisher:
    """Finishes measured images (S, S) of one category; `size` is the scan's own."""

    options: PrepareOptions
    constants: PreparationConstants

    def depth(
        self, surface_m: NDArray[np.float32], valid: Mask, part: Mask, size: tuple[int, int]
    ) -> tuple[NDArray[np.float32], Mask]:
        """D_n and M_f; background holes of a part take the plane."""
        options, constants = self.options, self.constants
        if constants.mode == "field":
            return normalise(surface_m, constants.low_m, constants.high_m), valid
        surface_m = self._with_background(surface_m, valid, part, size)
        if options.normalise == "category":
            return normalise(surface_m, constants.low_m, constants.high_m), part
        if not part.any():
            return np.zeros_like(surface_m), part
        if options.normalise == "image_mean":
            return centred(surface_m, part, options.image_mean_unit_mm * MM), part
        depth = scaled_to_range(surface_m, *options.image_range)
        if options.fill_at == "normalised":
            depth = fill_holes(depth, depth != 0.0, options.fill, options.fill_rounds)
        return depth, part

    def normals(
        self, normals: NormalsImage, valid: Mask, part: Mask, size: tuple[int, int]
    ) -> NormalsImage:
        """The normals (S, S, 3); fitted ones in background holes take the plane's."""
        if self.constants.mode == "field" or self.options.normals != "fitted":
            return normals
        holes = self._background_holes(valid, part, size)
        return np.where(holes[..., None], FLAT, normals)

    def _with_background(
        self, surface_m: NDArray[np.float32], valid: Mask, part: Mask, size: tuple[int, int]
    ) -> NDArray[np.float32]:
        if self.options.background == "zero":
            return np.where(part, surface_m, np.float32(0.0))
        if self.options.background == "part_mean":
            return np.where(part, surface_m, np.float32(part_mean_m(surface_m, part)))
        if self.options.depth == "z":
            return surface_m
        return np.where(self._background_holes(valid, part, size), np.float32(0.0), surface_m)

    def _background_holes(self, valid: Mask, part: Mask, size: tuple[int, int]) -> Mask:
        """What was not measured beside the part; the bars of a letterbox are no holes."""
        options = self.options
        inside = place(size, options.image_size, options.resize, options.pad_multiple).inside
        holes = np.zeros_like(valid)
        holes[inside] = ~(valid | part)[inside]
        return holes
