"""Whether what good parts are like has moved away from validation: a control chart per gauge.

A part's value is ranked among those of the good validation scans and the rank turned into a normal
score, so that nothing is assumed of how values are distributed and no outlier counts for more than
the highest rank. The chart is their exponentially weighted moving average (Roberts 1959,
Technometrics 1), with as much weight on the past as the mean of the last N parts has. Its limits
grow with what so few validation scans leave unknown: charts with limits for a known distribution
warn falsely far too often (Jones, Champ, Rigdon 2001, Technometrics 43).
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import NormalDist, fmean, median
from typing import Any

from dcrdf.modalities import DEPTH, RGB

LIMIT = 4.5
"""Half-width of the limits in standard deviations. Where nothing changes, one chart warns on
0.2 to 0.4 % of lines within 2000 good parts (docs/watch.md)."""
BACK = 0.5
"""A warning ends where the average is back within this share of the limits."""

CAUSES = {RGB: "light or camera has moved", DEPTH: "the depth sensor has moved"}
ANY_CAUSE = "parts, light or sensor have moved"


class Chart:
    """The chart of one gauge.

    Args:
        usual: values of good validation scans, ascending.
        last: over about how many parts it looks back.
    """

    def __init__(self, usual: Sequence[float], last: int) -> None:
        self.usual = usual
        self._weight = 2.0 / (last + 1.0)
        count = len(usual)
        by_rank = [NormalDist().inv_cdf((rank + 0.5) / (count + 1)) for rank in range(count + 1)]
        self._unit = sqrt(fmean(x * x for x in by_rank))
        self._highest = by_rank[-1] / self._unit if self._unit else 0.0
        self.parts = 0
        self.level = 0.0
        self.side = 0
        """1 where values have risen, -1 where they have fallen, else 0."""
        self.values: deque[float] = deque(maxlen=last)
        self.levels: deque[float] = deque(maxlen=last)

    def normal_score(self, value: float) -> float:
        """The value's rank among the usual ones, ties in the middle, as a standard normal."""
        below, not_above = bisect_left(self.usual, value), bisect_right(self.usual, value)
        share = (0.5 * (below + not_above) + 0.5) / (len(self.usual) + 1)
        return NormalDist().inv_cdf(share) / self._unit if self._unit else 0.0

    @property
    def limit(self) -> float:
        """How far the average may be from 0 after these parts."""
        return self._limit_after((1.0 - self._weight) ** (2 * self.parts))

    @property
    def can_warn(self) -> bool:
        """Whether parts that all lie beyond validation would ever be noticed."""
        return self._highest > self._limit_after(0.0)

    def add(self, value: float) -> bool:
        """One good part more; whether a warning begins."""
        self.parts += 1
        self.level += self._weight * (self.normal_score(value) - self.level)
        self.values.append(value)
        self.levels.append(self.level)
        before = self.side
        if abs(self.level) > self.limit:
            self.side = 1 if self.level > 0.0 else -1
        elif abs(self.level) < BACK * self.limit:
            self.side = 0
        return self.side not in (0, before)

    def to_dict(self) -> dict[str, Any]:
        """As JSON, with what a picture of it needs."""
        return {
            "level": self.level,
            "limit": self.limit,
            "side": self.side,
            "parts": self.parts,
            "can_warn": self.can_warn,
            "usual": {
                "scans": len(self.usual),
                "lowest": self.usual[0],
                "median": median(self.usual),
                "highest": self.usual[-1],
            },
            "last_values": list(self.values),
            "last_levels": list(self.levels),
        }

    def _limit_after(self, forgotten: float) -> float:
        of_average = self._weight / (2.0 - self._weight) * (1.0 - forgotten)
        return LIMIT * sqrt(of_average + 1.0 / len(self.usual))


class Drift:
    """The charts of all gauges that validation scans have."""

    def __init__(self, usual: Mapping[str, Sequence[float]], last: int) -> None:
        self._last = last
        self.charts = {name: Chart(values, last) for name, values in usual.items() if values}

    def add(self, gauges: Mapping[str, float]) -> list[str]:
        """One part more that was judged good; a line for each warning that begins."""
        begun = [
            name
            for name, chart in self.charts.items()
            if name in gauges and chart.add(gauges[name])
        ]
        return [self._warning(name) for name in begun]

    @property
    def warned(self) -> list[str]:
        """The gauges of which a warning stands."""
        return [name for name, chart in self.charts.items() if chart.side]

    @property
    def blind(self) -> str:
        """Why no drift would be noticed, in a line; nothing where it would."""
        if not self.charts:
            return "the model is of an older version: run `dcrdf infer` again"
        if any(chart.can_warn for chart in self.charts.values()):
            return ""
        scans = max(len(chart.usual) for chart in self.charts.values())
        return f"too few good validation scans for charts over {self._last} parts: {scans}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON, with what pictures of the charts need."""
        return {
            "last": self._last,
            "warned": self.warned,
            "charts": {name: chart.to_dict() for name, chart in self.charts.items()},
        }

    def _warning(self, name: str) -> str:
        chart = self.charts[name]
        usual = f"{median(chart.usual):.3g} ({chart.usual[0]:.3g} to {chart.usual[-1]:.3g})"
        return (
            f"drift: {CAUSES.get(name.partition('.')[0], ANY_CAUSE)}: {name} of good parts has"
            f" {'risen' if chart.side > 0 else 'fallen'}: {chart.values[-1]:.3g} now,"
            f" median {median(chart.values):.3g}, on validation {usual};"
            " look before good parts are rejected"
        )
