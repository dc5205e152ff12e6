"""What preparing a category found, in lines for the user."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dcrdf.datasets.load import FARTHEST_PLAUSIBLE_M
from dcrdf.preparation.normalise import Mode

SHOWN = 5
"""Names listed per line."""
LOW_SHARE, HIGH_SHARE = 0.02, 0.98
SMALL_PART_SHARE = 0.005
RARE = frozenset(
    {"empty_parts", "published_instead", "frame", "turned", "partless", "background_cut"}
)
"""What is left out of a record where there is nothing to say."""
PARTLESS = 0.2
"""Of the median part's size: a good scan with less is thought to show none."""
CUT_OFF = (
    "the background seems cut off already, so that there is no plane to measure heights from; give"
    " the scans as the sensor made them"
)


@dataclass(frozen=True)
class PrepareSummary:
    """Counts and shares of a prepared category; shares lie in [0, 1].

    `foreground_share` is the training median, `part_share` what it would be as a part,
    `missing_share` the mean over all scans. `planes_replaced` and `planes_doubtful` name the
    scans that took the training plane, or kept a plane with too few inliers (`field`).
    `height_span_m` is the training heights', `plane_distance_m` the camera's from their plane.
    `with_far_points` name the scans whose `far_points` lay implausibly far away, `empty_parts`
    those without a part, where the options need one, `partless` good scans with hardly a part;
    `background_cut` those whose background is not there. `frame` says what is odd about the
    points' frame. Of `turned` scans z was negative.
    """

    category: str
    mode: Mode
    mode_is_automatic: bool
    counts: Mapping[str, int]
    foreground_share: float
    part_share: float
    missing_share: float
    planes_replaced: Sequence[str]
    planes_doubtful: Sequence[str]
    height_span_m: float
    plane_distance_m: float
    far_points: int
    with_far_points: Sequence[str]
    skipped: Sequence[tuple[str, str]]
    empty_parts: Sequence[str] = ()
    published_instead: str = ""
    """What the published code does with a scan without a plane, where it is another's."""
    frame: str = ""
    turned: int = 0
    partless: Sequence[str] = ()
    background_cut: Sequence[str] = ()

    @property
    def warnings(self) -> list[str]:
        """What the user should look at, a line each."""
        found = [self.frame] if self.frame else []
        if 0 < self.turned < sum(self.counts.values()):
            found.append(f"z is negative in {self.turned} scans and not in others: one camera?")
        if self.background_cut:
            found.append(f"{CUT_OFF}, in {_some(self.background_cut)}")
        if self.partless:
            found.append(f"good, but hardly a part in it: {_some(self.partless)}")
        if self.mode == "part" and not LOW_SHARE <= self.foreground_share <= HIGH_SHARE:
            found.append(
                f"foreground share {self.foreground_share:.1%}: part and background may be mixed up"
            )
        if self.mode == "field" and self.mode_is_automatic and self.part_share > SMALL_PART_SHARE:
            found.append(
                f"treated as a field, though {self.part_share:.1%} of the median training image"
                " stands out; set prepare.mode: part if that is the part"
            )
        if self.planes_replaced:
            found.append(
                f"no background plane in {_some(self.planes_replaced)}: the training split's used"
                f"{self.published_instead and f' ({self.published_instead})'}"
            )
        if self.planes_doubtful:
            found.append(f"the border fits no plane well in {_some(self.planes_doubtful)}")
        if self.empty_parts:
            found.append(
                f"nothing taken for the part in {_some(self.empty_parts)}: all is background"
            )
        if self.far_points:
            found.append(
                f"{self.far_points} points farther than {FARTHEST_PLAUSIBLE_M:.0f} m taken as"
                f" missing, in {_some(self.with_far_points)}"
            )
        if self.height_span_m > self.plane_distance_m > 0.0:
            found.append(
                f"training heights span {self.height_span_m:.3g} m, {self.plane_distance_m:.3g} m"
                " from the camera: points that were not measured? `dcrdf check` names the scans"
            )
        found.extend(f"skipped {identity}: {reason}" for identity, reason in self.skipped)
        return found

    def lines(self) -> list[str]:
        """One line of facts, then the warnings."""
        counts = ", ".join(f"{count} {split}" for split, count in self.counts.items())
        facts = (
            f"{self.category}: {counts}; mode {self.mode}, foreground {self.foreground_share:.1%},"
            f" missing depth {self.missing_share:.1%}"
        )
        warnings = (f"{self.category}: warning: {text}" for text in self.warnings)
        return [facts, *(" ".join(line.split()) for line in warnings)]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what only other papers' preparations say is left out elsewhere."""
        values = asdict(self) | {"counts": dict(self.counts), "warnings": self.warnings}
        return {key: value for key, value in values.items() if value or key not in RARE}


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{len(names)} scans ({', '.join(names[:SHOWN])}{more})"
