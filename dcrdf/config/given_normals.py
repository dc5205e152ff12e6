"""What is refused with normals that come with a data set (`prepare.normals: given`)."""

from collections.abc import Sequence

from dcrdf.config.options import Degradation, PrepareOptions
from dcrdf.errors import UserError

OF_POINTS: tuple[Degradation, ...] = (
    "depth_holes_10",
    "depth_holes_30",
    "depth_holes_60",
    "depth_noise_5",
    "depth_noise_20",
)
"""Degradations of the points, from which other normals are computed."""


def check_turned(prepare: PrepareOptions, augments: bool, where: str = "") -> None:
    """Refuse to show them in other orientations: vectors turn with their image, and each data set
    has a frame of its own (`UserError`)."""
    if prepare.reads_normals and augments:
        raise UserError(
            f"config: prepare.normals{where}: given ones cannot be turned, since their frame is the"
            " data set's own; set it to fitted, or options.augment to none"
        )


def check_degraded(
    prepare: PrepareOptions, degradations: Sequence[Degradation], where: str = ""
) -> None:
    """Refuse to make points worse where that leaves the normals, hence the branch's map, as they
    are (`UserError`)."""
    left_alone = [name for name in degradations if name in OF_POINTS]
    if prepare.reads_normals and left_alone:
        raise UserError(
            f"config: robustness.degradations{where}: {', '.join(left_alone)} would leave"
            " prepare.normals: given as they are; take them out, or use fitted normals"
        )
