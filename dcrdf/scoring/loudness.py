"""What an image that is as loud as this one may show and still be good.

Where images are few alike, a surface that the detector knows less raises the whole map, peaks and
all, and outranks a defect on a quiet one. How far the loudness of an image explains its peak is
learnt from good images; where it does not help to tell the peak of one that was left out, it
explains nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from dcrdf.errors import UserError
from dcrdf.judging.prediction import UNUSUAL

LEAST_IMAGES = 5
"""A line through fewer says nothing of the next image."""


@dataclass(frozen=True)
class Loudness:
    """Of good images: the mean and the highest level of their maps, and by how much of a level's
    surplus over the mean their maxima are higher (0: the level explains nothing; 1: all of it)."""

    mean_level: float
    highest_level: float
    share: float

    @classmethod
    def of(cls, levels: NDArray[np.float64], peaks: NDArray[np.float64]) -> Self:
        """From levels and maxima (N,) of good images' maps."""
        return cls(float(levels.mean()), float(levels.max()), _share(levels, peaks))

    def surplus(self, levels: Tensor) -> Tensor:
        """By how much more than the usual good image those of such levels (B,) may show, (B,); less
        than nothing for quiet ones. Beyond `UNUSUAL` times the levels of good images nothing more
        is excused: that is no loud image any more, but something else."""
        excused = levels.clamp_max(UNUSUAL * self.highest_level)
        return self.share * (excused - self.mean_level)

    def to_dict(self) -> dict[str, float]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; UserError, TypeError or ValueError for other values."""
        names = ("mean_level", "highest_level", "share")
        if set(values) != set(names):
            raise UserError("calibrated by another version of dcrdf; run `dcrdf infer` again")
        mean, highest, share = (float(values[name]) for name in names)
        if not (-math.inf < mean <= highest < math.inf and 0.0 <= share <= 1.0):
            raise ValueError("the loudness of good images is out of range")
        return cls(mean, highest, share)


def _share(levels: NDArray[np.float64], peaks: NDArray[np.float64]) -> float:
    """The slope of the least-squares line, from 0 to 1; 0 where the lines through all images but
    one tell the peaks of those left out no better than the means of the others do."""
    count = len(levels)
    apart = levels - levels.mean()
    square = float((apart**2).sum())
    if count < LEAST_IMAGES or square <= np.finfo(np.float64).tiny:
        return 0.0
    slope = float((apart * peaks).sum()) / square
    residuals = peaks - peaks.mean() - slope * apart
    by_line = residuals / np.maximum(1.0 - 1.0 / count - apart**2 / square, 1e-9)
    by_mean = (peaks - peaks.mean()) * count / (count - 1)
    if (by_line**2).sum() >= (by_mean**2).sum():
        return 0.0
    return float(np.clip(slope, 0.0, 1.0))
