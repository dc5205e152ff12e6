"""What the training split decides once for its category: mode, median plane, height range."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.labels import preparation_label
from dcrdf.config.options import PrepareOptions
from dcrdf.config.prepare_options import Frame
from dcrdf.errors import UserError
from dcrdf.preparation.foreground import MM
from dcrdf.preparation.measured import ScanFacts, TrainingPlane
from dcrdf.preparation.normalise import Mode, PreparationConstants, height_range_m
from dcrdf.preparation.plane import median_plane

MAX_HEIGHTS = 4_000_000
"""Training heights that enter the percentiles at most, evenly picked: bounds the memory."""

MAX_EMPTY_SHARE = 0.5
"""Of the training scans; where more have no part, nothing can be learnt."""

EMPTY_BORDER_SHARE = 0.95


def median_part_share(facts: Sequence[ScanFacts]) -> float:
    """The median foreground share of the scans with a sound plane; 0 without any."""
    shares = [scan.part_share for scan in facts if scan.plane_accepted]
    return float(np.median(shares)) if shares else 0.0


def background_is_cut(facts: Sequence[ScanFacts]) -> bool:
    """Whether most scans have no points along the image's border."""
    shares = [scan.border_missing_share for scan in facts]
    return bool(shares) and float(np.median(shares)) > EMPTY_BORDER_SHARE


def decide_mode(facts: Sequence[ScanFacts], options: PrepareOptions) -> Mode:
    """`part` needs a sound plane behind at least half of the training scans and a median
    foreground share within [part_min_share, part_max_share]; everything else is a `field`."""
    if options.mode != "auto":
        return options.mode
    mostly_sound = 2 * sum(scan.plane_accepted for scan in facts) >= len(facts)
    within = options.part_min_share <= median_part_share(facts) <= options.part_max_share
    return "part" if mostly_sound and within else "field"


def training_plane(
    facts: Sequence[ScanFacts], options: PrepareOptions, category: str, frame: Frame = "camera"
) -> TrainingPlane:
    """The category's mode and the median of its training planes.

    Raises:
        UserError: not one scan has points enough for a plane.
    """
    sound = [scan.plane for scan in facts if scan.plane_accepted]
    planes = sound or [scan.plane for scan in facts if scan.has_plane]
    if not planes:
        if options.plane != "border":
            raise UserError(
                f"{category}: no training scan has points in all corners that prepare.plane:"
                f" {options.plane} asks for; look at its xyz files"
            )
        raise UserError(f"{category}: no plane fits any training scan; look at its xyz files")
    return TrainingPlane(decide_mode(facts, options), median_plane(planes), frame)


def training_constants(
    training: TrainingPlane,
    heights_m: Iterable[NDArray[np.float32]],
    options: PrepareOptions,
    category: str,
) -> PreparationConstants:
    """The constants of a category; `heights_m` are the training foreground's, scan by scan.

    Raises:
        UserError: there is no training foreground.
    """
    pooled = np.concatenate([np.zeros(0, np.float32), *heights_m])
    if not pooled.size:
        raise UserError(f"{category}: no foreground in any training scan; set prepare.mode: field")
    low_m, high_m = height_range_m(
        pooled,
        options.normalise_low_percentile,
        options.normalise_high_percentile,
        options.normalise_min_span_mm * MM,
    )
    plane = training.plane.coefficients
    return PreparationConstants(training.mode, low_m, high_m, plane, training.frame)


def require_parts(facts: Sequence[ScanFacts], options: PrepareOptions, category: str) -> None:
    """Refuse (`UserError`) a preparation that finds no part in most of the training scans."""
    share = sum(scan.part_share == 0.0 for scan in facts) / len(facts)
    if options.needs_part and share > MAX_EMPTY_SHARE:
        raise UserError(
            f"{category}: preparation {preparation_label(options)} finds no part in {share:.0%} of"
            " the training scans; what it looks for is not in these images"
        )


def evenly_picked(values: NDArray[np.float32], scans: int, image_size: int) -> NDArray[np.float32]:
    """A share of one scan's values, so that all scans together keep below `MAX_HEIGHTS`."""
    return values[:: -(-scans * image_size**2 // MAX_HEIGHTS)]
