"""What is said of one scan: good, defective, or not judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dcrdf.errors import UserError
from dcrdf.judging.prediction import UNUSUAL
from dcrdf.modalities import NOT_JUDGED

GOOD, DEFECTIVE = "good", "defective"
FITTED, SET_BY_HAND = "fitted", "set"
"""Where a threshold comes from."""


@dataclass(frozen=True)
class Verdict:
    """What a detector says of one scan."""

    score: float
    threshold: float
    map: NDArray[np.float32]
    """Fused anomaly map (H, W) at the scan's own size."""
    map_median: float
    """Median of validation maps: what is usual on good parts."""
    branch_scores: Mapping[str, float]
    unusual: Mapping[str, float]
    """By how much each modality is unlike good parts as a whole; 1 if it is not."""
    not_judged: str = ""
    """Why the score is no ground for a verdict, in a sentence; empty where it is."""
    doubt: str = ""
    """The same of a scan that was judged anyway, as its caller asked."""
    gauges: Mapping[str, float] = field(default_factory=dict)
    """Scores, how unusual each modality is, and readings by `BRANCH.NAME`: what a line watches."""
    threshold_from: str = FITTED
    """`fitted`, or `set` by hand (`dcrdf threshold`)."""
    replaced: str = ""
    """Which modality was not trusted and replaced, why, and what is lost; empty where none was."""

    @property
    def word(self) -> str:
        """`good`, `defective` or `not judged`."""
        return NOT_JUDGED if self.not_judged else (DEFECTIVE if self.is_defective else GOOD)

    @property
    def is_defective(self) -> bool:
        """Whether the score is above the threshold. Raises `UserError` for a scan that was not
        judged: what is not defective would pass for good."""
        if self.not_judged:
            raise UserError(
                f"{NOT_JUDGED}: {self.not_judged}; ask for `verdict.word` first, or load the model"
                " with judge_anyway=True"
            )
        return self.score > self.threshold

    @property
    def remark(self) -> str:
        """Why a scan is not judged, or what makes its verdict worth less; else nothing."""
        if self.not_judged:
            return f"{NOT_JUDGED}: {self.not_judged}"
        if self.doubt:
            return f"judged anyway: {self.doubt}"
        if self.replaced:
            return f"{self.replaced}; look at light, sensor and part"
        parts = [
            f"{name} is as a whole {factor:.3g} times as unusual as on any good part"
            for name, factor in self.unusual.items()
            if factor > UNUSUAL
        ]
        return "; ".join([*parts, "look at light, sensor and part"]) if parts else ""
