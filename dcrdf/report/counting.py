"""Counts an inspection engineer asks for: defects found, good parts rejected, and how sure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from dcrdf.report.runs import RunResult

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Proportion:
    """`count` of `total`."""

    count: int
    total: int

    @property
    def share(self) -> float:
        """The observed share; NaN of nothing."""
        return self.count / self.total if self.total else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """The exact (Clopper-Pearson) 95 % interval of the true share."""
        tail = (1.0 - CONFIDENCE) / 2.0
        misses = self.total - self.count
        low = betaincinv(self.count, misses + 1, tail) if self.count else 0.0
        high = betaincinv(self.count + 1, misses, 1.0 - tail) if misses else 1.0
        return float(low), float(high)

    def __add__(self, other: "Proportion") -> "Proportion":
        """Counts of two disjoint groups together."""
        return Proportion(self.count + other.count, self.total + other.total)


@dataclass(frozen=True)
class Counts:
    """What the threshold does to a test split."""

    found: Proportion
    false_alarms: Proportion

    def __add__(self, other: "Counts") -> "Counts":
        """Counts of two categories together."""
        return Counts(self.found + other.found, self.false_alarms + other.false_alarms)


def count(result: RunResult) -> Counts:
    """Defects found and good parts rejected at the run's threshold."""
    alarms = result.alarms
    return Counts(_among(alarms, result.is_defect), _among(alarms, ~result.is_defect))


def found_by_kind(result: RunResult) -> dict[str, Proportion]:
    """Kind of defect -> how many of its images raise an alarm."""
    kinds = np.asarray(result.defect)
    return {
        kind: _among(result.alarms, (kinds == kind) & result.is_defect) for kind in result.kinds
    }


def smallest_certifiable_rate(images: int) -> float:
    """The lowest false-alarm rate that `images` good images without an alarm can vouch for (95 %).

    After n passes the true rate p is below this unless something of probability (1 - p)^n = 5 %
    has happened.
    """
    return float(1.0 - (1.0 - CONFIDENCE) ** (1.0 / images)) if images else 1.0


def _among(alarms: NDArray[np.bool_], group: NDArray[np.bool_]) -> Proportion:
    return Proportion(int((alarms & group).sum()), int(group.sum()))
