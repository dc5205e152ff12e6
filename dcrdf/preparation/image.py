"""One prepared image: a measured scan finished with its category's constants."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.sample import Scan
from dcrdf.preparation.measure import TrainingPlane, measure_scan
from dcrdf.preparation.normalise import PreparationConstants, normalise
from dcrdf.preparation.plane import Plane
from dcrdf.preparation.resize import inside_mask, place

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class PreparedImage:
    """What the detectors see of one scan, all (S, S): colour uint8 (S, S, 3), `depth` float32
    D_n without holes, `valid` where depth was measured, `foreground` M_f, `inside` where the image
    is (not a letterbox's bars)."""

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    valid: Mask
    foreground: Mask
    inside: Mask


def prepare_scan(
    scan: Scan, options: PrepareOptions, constants: PreparationConstants
) -> PreparedImage:
    """Prepare one scan with its category's constants, bit for bit as `prepare_category` does.

    `scan.xyz` may be missing altogether: `depth` is then the plane's.
    """
    plane = Plane.from_coefficients(constants.plane)
    measured = measure_scan(scan, options, TrainingPlane(constants.mode, plane))
    depth, foreground = finish(
        measured.surface_m,
        measured.valid,
        measured.part,
        native_size=measured.facts.native_size,
        options=options,
        constants=constants,
    )
    inside = inside_mask(measured.facts.native_size, options.image_size, options.resize)
    return PreparedImage(measured.rgb, depth, measured.valid, foreground, inside)


def finish(
    surface_m: NDArray[np.float32],
    valid: Mask,
    part: Mask,
    *,
    native_size: tuple[int, int],
    options: PrepareOptions,
    constants: PreparationConstants,
) -> tuple[NDArray[np.float32], Mask]:
    """D_n and M_f (S, S) of a measured scan; background holes of a part take the plane."""
    if constants.mode == "field":
        return normalise(surface_m, constants.low_m, constants.high_m), valid
    if options.depth == "height":
        inside = place(native_size, options.image_size, options.resize).inside
        surface_m = surface_m.copy()
        surface_m[inside][~(valid | part)[inside]] = 0.0
    return normalise(surface_m, constants.low_m, constants.high_m), part
