"""The typed options of what comes after scoring: metrics, comparisons, robustness, the page."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from dcrdf.config.closed import Closed
from dcrdf.config.value_types import Distinct, NonNegative, each_once

Degradation = Literal[
    "depth_holes_10",
    "depth_holes_30",
    "depth_holes_60",
    "depth_noise_5",
    "depth_noise_20",
    "depth_absent",
    "rgb_overexposed",
    "rgb_blurred",
    "rgb_absent",
]


class EvaluateOptions(Closed):
    """Which metrics, at which sizes (docs/method.md, section 6)."""

    sizes: Distinct[Literal["network", "native"]] = ("network", "native")
    modes: Distinct[Literal["exact", "mvtec100"]] = ("exact",)
    limits: Distinct[Annotated[float, Field(gt=0.0, le=1.0)]] = (0.30, 0.10, 0.05, 0.01)
    bootstrap: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95
    submission: bool = False


def _two_runs(pair: tuple[str, str]) -> tuple[str, str]:
    if pair[0] == pair[1]:
        raise ValueError(f"{pair[0]} minus itself says nothing")
    return pair


RunPair = Annotated[tuple[str, str], AfterValidator(_two_runs)]


class CompareOptions(Closed):
    """Paired differences of every run to reference runs, and of `pairs` of runs, the first minus
    the second; none by default.

    The test images of each category are drawn anew `resamples` times, the same for all runs, and a
    difference is taken within each draw, averaged over categories and seeds. AUPRO is exact.
    """

    RECORDED_IF_CHANGED: ClassVar[frozenset[str]] = frozenset({"pairs"})

    references: Annotated[tuple[str, ...], AfterValidator(each_once)] = ()
    pairs: Annotated[tuple[RunPair, ...], AfterValidator(each_once)] = ()
    size: Literal["network", "native"] = "native"
    limits: Distinct[Annotated[float, Field(gt=0.0, le=1.0)]] = (0.30, 0.10, 0.05, 0.01)
    resamples: Annotated[int, Field(ge=100, le=100_000)] = 1000
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95

    @property
    def asks(self) -> bool:
        """Whether any runs are compared."""
        return bool(self.references or self.pairs)

    @property
    def named(self) -> dict[str, tuple[str, ...]]:
        """Key -> the runs that it names."""
        return {
            "references": self.references,
            "pairs": tuple(run for pair in self.pairs for run in pair),
        }


class RobustnessOptions(Closed):
    """Test scans made worse before preparation, and scored again (docs/robustness.md); none: no
    such evaluation."""

    degradations: Annotated[tuple[Degradation, ...], AfterValidator(each_once)] = ()
    seed: NonNegative = 0


class ReportOptions(Closed):
    """The HTML page."""

    title: str = "dcrdf report"
    examples: NonNegative = 4
