"""Whether a scan can be judged at all: what good scans are like, and what lies too far from it.

A verdict speaks for every modality that was given. One that is worse than usual is believed less
(`trust`), and the verdict stays while it has a say. One that has none, or that does not show the
part at all, was not looked at, and the other does not show its defects: a "good" would say nothing
of them. Such a scan is not judged, whatever its score.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dcrdf.errors import UserError
from dcrdf.modalities import DEPTH, RGB, Modality
from dcrdf.scans.readings import Readings, grey_of

WORDS: Mapping[Modality, str] = {RGB: "colour", DEPTH: "depth"}

SILENCED = 2.0
"""From this factor on, a modality that is unusual alone counts for less than an eighth in
`peak_trust`: what it shows has no say any more."""
ANOTHER_SETUP = 1.75
"""Units differ by 2 and more; two parts that touch are 1.6 times as large as one, and judged."""
FEW_POINTS = 2.0
"""Half of the part without depth is half of it that nobody looked at."""
NO_PART = 10.0
"""A tenth of the smallest good part is none; of one that broke more is left."""
NO_PICTURE = 4.0
"""Of light, contrast, detail or relief. Good scans that had no part in the range stayed within 1.06
of it (docs/own_data.md)."""
NOISE = 4.0
"""Of the noisiest good scan: what is to be told from it must be four times as high."""


@dataclass(frozen=True)
class Range:
    """The lowest and the highest reading of good scans."""

    lowest: float
    highest: float

    def __str__(self) -> str:
        low, high = f"{self.lowest:.3g}", f"{self.highest:.3g}"
        return low if low == high else f"{low} to {high}"


@dataclass(frozen=True)
class Quantity:
    """A reading whose ratio to those of good scans tells a dead or wrong sensor.

    Scans below the lowest by more than the factor `below`, or above the highest by more than
    `above`, are not judged; None: that side says nothing. `sentence` makes the reason of a value
    and the range.
    """

    name: str
    modality: Modality
    below: float | None
    above: float | None
    sentence: Callable[[float, Range], str]

    def reason(self, value: float, usual: Range) -> str:
        """Why a scan with this reading is not judged; nothing for one that is."""
        if usual.highest < 0.0:  # distances in a frame whose z grows towards the camera
            value, usual = -value, Range(-usual.highest, -usual.lowest)
        is_low = self.below is not None and value * self.below < usual.lowest
        is_high = self.above is not None and value > usual.highest * self.above
        return self.sentence(value, usual) if is_low or is_high else ""


def _distance(value: float, usual: Range) -> str:
    if value < 0.0:
        return (
            f"its points lie behind the camera, those of good scans {usual} m away: another frame"
        )
    return (
        f"its points lie {value:.3g} m away, those of good scans {usual} m:"
        " another unit or another set-up"
    )


def _size(value: float, usual: Range) -> str:
    return (
        f"what is inspected measures {value:.3g} m across, on good scans {usual} m:"
        " another unit, camera file or part"
    )


def _foreground(value: float, usual: Range) -> str:
    return f"its depth shows no part: {value:.1%} of the scan, on good scans {_least(usual)}"


def _measured(value: float, usual: Range) -> str:
    return f"{value:.1%} of its depth was measured, on good scans {_least(usual)}"


def _part_measured(value: float, usual: Range) -> str:
    return f"{value:.1%} of the part has depth, on good scans {_least(usual)}"


def _relief(value: float, usual: Range) -> str:
    return f"its depth is flat: {_times(value / usual.lowest)} the least relief of good scans"


def _noise(value: float, usual: Range) -> str:
    return f"its depth is {_times(value / usual.highest)} as noisy as on any good scan"


def _brightness(value: float, usual: Range) -> str:
    grey = Range(*(round(grey_of(odds)) for odds in (usual.lowest, usual.highest)))
    word = "dark" if value < usual.lowest else "bright"
    return (
        f"its colour image is too {word}: a mean grey level of {grey_of(value):.0f},"
        f" on good scans {grey}"
    )


def _contrast(value: float, usual: Range) -> str:
    share = f"{_times(value / usual.lowest)} the least contrast of good scans"
    return f"its colour image shows next to nothing: {share}"


def _detail(value: float, usual: Range) -> str:
    if value < usual.lowest:
        share = f"{_times(value / usual.lowest)} the least detail of good scans"
        return f"its colour image is blurred: {share}"
    return f"its colour image is noise: {_times(value / usual.highest)} the detail of good scans"


def _least(usual: Range) -> str:
    return f"{usual.lowest:.1%} or more"


def _times(ratio: float) -> str:
    return f"{ratio:.2g} times" if ratio < 99.5 else f"{ratio:.0f} times"


QUANTITIES: tuple[Quantity, ...] = (
    Quantity("distance", DEPTH, ANOTHER_SETUP, ANOTHER_SETUP, _distance),
    Quantity("measured", DEPTH, FEW_POINTS, None, _measured),
    Quantity("foreground", DEPTH, NO_PART, None, _foreground),
    Quantity("size", DEPTH, ANOTHER_SETUP, ANOTHER_SETUP, _size),
    Quantity("part_measured", DEPTH, FEW_POINTS, None, _part_measured),
    Quantity("relief", DEPTH, NO_PICTURE, None, _relief),
    Quantity("noise", DEPTH, None, NOISE, _noise),
    Quantity("brightness", RGB, NO_PICTURE, NO_PICTURE, _brightness),
    Quantity("contrast", RGB, NO_PICTURE, None, _contrast),
    Quantity("detail", RGB, NO_PICTURE, NO_PICTURE, _detail),
)
"""In the order of causes: the first that is amiss is a modality's reason."""
NAMES = frozenset(quantity.name for quantity in QUANTITIES)


@dataclass(frozen=True)
class UsualScans:
    """The ranges of good scans' readings by name."""

    ranges: Mapping[str, Range]

    @classmethod
    def of(cls, good: Readings) -> Self:
        """From the readings of good scans."""
        return cls({n: Range(float(x.min()), float(x.max())) for n, x in good.items()})

    def reasons(
        self, readings: Readings, unusual_alone: Mapping[Modality, NDArray[np.float64]]
    ) -> list[str]:
        """Why each of N scans is not judged, in a sentence; an empty text for those that are.

        `unusual_alone` (N,): by how much each modality is unlike good scans as a whole when the
        other is not; 1 on scans with one modality.
        """
        return ["; ".join(found.values()) for found in self.amiss(readings, unusual_alone)]

    def amiss(
        self, readings: Readings, unusual_alone: Mapping[Modality, NDArray[np.float64]]
    ) -> list[dict[Modality, str]]:
        """The same by the modality that is the reason."""
        count = len(next(iter(readings.values())))
        return [self._of_scan(readings, unusual_alone, at) for at in range(count)]

    def _of_scan(
        self, readings: Readings, unusual_alone: Mapping[Modality, NDArray[np.float64]], at: int
    ) -> dict[Modality, str]:
        found: dict[Modality, str] = {}
        for quantity in QUANTITIES:
            usual = self.ranges.get(quantity.name)
            if usual is None or quantity.name not in readings or quantity.modality in found:
                continue
            reason = quantity.reason(float(readings[quantity.name][at]), usual)
            if reason:
                found[quantity.modality] = reason
        for modality, factors in unusual_alone.items():
            if factors[at] >= SILENCED and modality not in found:
                found[modality] = (
                    f"its {WORDS[modality]} is as a whole {factors[at]:.3g} times as unusual as on"
                    " any good part, and the rest cannot answer for it"
                )
        return found

    def to_dict(self) -> dict[str, list[float]]:
        """As JSON."""
        return {name: [one.lowest, one.highest] for name, one in self.ranges.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Sequence[Any]]) -> Self:
        """The inverse of `to_dict`; UserError, TypeError or ValueError for other values."""
        if not set(values) <= NAMES:
            raise UserError("calibrated by another version of dcrdf; run `dcrdf infer` again")
        ranges = {name: Range(*map(float, pair)) for name, pair in values.items()}
        for name, one in ranges.items():
            if not (math.isfinite(one.lowest) and math.isfinite(one.highest)):
                raise ValueError(f"the usual {name} is not a number")
        return cls(ranges)
