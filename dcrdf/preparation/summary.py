"""What preparing a category found, in lines for the user."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from dcrdf.datasets.load import FARTHEST_PLAUSIBLE_M
from dcrdf.preparation.normalise import Mode

SHOWN = 5
"""Names listed per line."""
LOW_SHARE, HIGH_SHARE = 0.02, 0.98
SMALL_PART_SHARE = 0.005
PARTLESS = 0.2
"""Of the median part's size: a good scan with less is thought to show none."""
RARE = frozenset(
    {
        "background_is_cut", "empty_parts", "frame", "partless", "published_instead", "remarks",
        "turned",
    }
)  # fmt: skip
"""What is left out of a record where there is nothing to say."""
BACKGROUND_CUT = (
    "no points along the image's border: is the background cut off already, or sees the depth"
    " camera less than the colour camera? the plane is then fitted to what is left, perhaps the"
    " part itself; give the scans as they were recorded"
)


@dataclass(frozen=True)
class PrepareSummary:
    """Counts and shares of a prepared category; shares lie in [0, 1].

    `foreground_share` is the training median, `part_share` what it would be as a part,
    `missing_share` the mean over all scans. `planes_replaced` and `planes_doubtful` name the
    scans that took the training plane, or kept a plane with too few inliers (`field`).
    `height_span_m` is the training heights', `plane_distance_m` the camera's from their plane.
    `with_far_points` name the scans whose `far_points` lay implausibly far away, `empty_parts`
    those without a part, where the options need one, `partless` good scans with hardly a part.
    `frame` says what is odd about the points' frame. Of `turned` scans z was negative.
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
    remarks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What was put right in files, or is odd in them -> the scans of which that is so."""
    background_is_cut: bool = False
    """Whether training scans end before the image does."""
    published_instead: str = ""
    """What the published code does with a scan without a plane, where it is another's."""
    frame: str = ""
    turned: int = 0
    partless: Sequence[str] = ()

    @property
    def warnings(self) -> list[str]:
        """What the user should look at, a line each."""
        found = [self.frame] if self.frame else []
        if 0 < self.turned < sum(self.counts.values()):
            found.append(f"z is negative in {self.turned} scans and not in others: one camera?")
        if self.partless:
            found.append(f"good, but hardly a part in it: {some_of(self.partless)}")
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
                f"no background plane in {some_of(self.planes_replaced)}: the training split's used"
                f"{self.published_instead and f' ({self.published_instead})'}"
            )
        if self.planes_doubtful:
            found.append(f"the border fits no plane well in {some_of(self.planes_doubtful)}")
        if self.empty_parts:
            found.append(
                f"nothing taken for the part in {some_of(self.empty_parts)}: all is background"
            )
        if self.far_points:
            found.append(
                f"{self.far_points} points farther than {FARTHEST_PLAUSIBLE_M:.0f} m taken as"
                f" missing, in {some_of(self.with_far_points)}"
            )
        if self.background_is_cut:
            found.append(BACKGROUND_CUT)
        found.extend(f"{text}: {some_of(names)}" for text, names in self.remarks.items())
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
        """Plain JSON types; what is seldom said is left out where it is not."""
        values = asdict(self) | {"counts": dict(self.counts), "warnings": self.warnings}
        return {key: value for key, value in values.items() if value or key not in RARE}


def some_of(names: Sequence[str]) -> str:
    """How many scans, and the first few by name."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{len(names)} scans ({', '.join(names[:SHOWN])}{more})"
