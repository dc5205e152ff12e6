"""What cannot be asked of surface normals that came with the scans (`prepare.normals: given`)."""

from collections.abc import Iterable

from dcrdf.config.layouts import WITH_NORMALS
from dcrdf.config.options import Degradation, PrepareOptions
from dcrdf.config.resolved import Resolved
from dcrdf.errors import UserError

OF_POINTS: frozenset[Degradation] = frozenset(
    {"depth_holes_10", "depth_holes_30", "depth_holes_60", "depth_noise_5", "depth_noise_20"}
)
"""Degradations that change points and nothing else."""


def check_given_normals(resolved: Resolved, layout: str, where: str) -> None:
    """Refuse given normals where none are, or where what is asked needs others (`UserError`);
    `where` ends the places that the errors name."""
    if not resolved.prepare.reads_normals:
        return
    if layout not in WITH_NORMALS:
        raise UserError(
            f"config: prepare.normals{where}: layout {layout!r} brings no normals (those that do:"
            f" {', '.join(WITH_NORMALS)}); set it to fitted"
        )
    if resolved.options.augments():
        raise UserError(
            f"config: prepare.normals{where}: given normals cannot be turned with their image, for"
            " nothing says which way their axes point; set it to fitted, or leave"
            f" options.{resolved.options.augmented_by} out"
        )
    hidden = hidden_degradations(resolved.prepare, resolved.robustness.degradations)
    if hidden:
        raise UserError(
            f"config: robustness.degradations{where}: {hidden[0]} changes points, which given"
            " normals do not show; leave it out, or set prepare.normals: fitted"
        )


def hidden_degradations(
    prepare: PrepareOptions, degradations: Iterable[Degradation]
) -> list[Degradation]:
    """Those that would leave what a second branch sees as it is: scores would look unharmed."""
    return [one for one in degradations if prepare.reads_normals and one in OF_POINTS]
