"""How much of a height map was never measured, against what is usual on good images."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

HOLES_WEIGHT = 10.0
"""Missing a tenth of the part more than any good image does counts as twice as unusual."""


@dataclass(frozen=True)
class DepthHoles:
    """The largest share of missing pixels in good images, and the share of the part in them."""

    highest_share: float
    part_share: float

    @classmethod
    def of_good(cls, valid: NDArray[np.bool_], foreground: NDArray[np.bool_]) -> Self:
        """From what was measured and where the part is in good images, (N, H, W) each."""
        return cls(float(hole_shares(valid).max()), float(foreground.mean()) or 1.0)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; KeyError, TypeError or ValueError for other values."""
        highest, part = float(values["highest_share"]), float(values["part_share"])
        if not (math.isfinite(highest) and 0.0 < part <= 1.0):
            raise ValueError("shares of missing points are not finite")
        return cls(highest, part)

    def to_dict(self) -> dict[str, float]:
        """As JSON."""
        return asdict(self)

    def factors(self, share: Tensor) -> Tensor:
        """How unusual such shares of missing pixels are, (B,): 1 where good images miss as many."""
        surplus = (share - self.highest_share).clamp_min(0.0) / self.part_share
        return 1.0 + HOLES_WEIGHT * surplus


def hole_shares(valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of each image (N, H, W) whose height was not measured, (N,)."""
    shares: NDArray[np.float64] = 1.0 - valid.mean(axis=(1, 2))
    return shares
