"""What a branch's maps of good images are like: the ground on which fusions compare branches."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcrdf.detectors.blur import gaussian_blur
from dcrdf.errors import UserError

LEVEL_SHARE = 0.25
"""Share of an image's pixels that lie at or below its level. A defect, even one that covers the
part, leaves so much of the image alone; bad light and a noisy sensor do not."""


@dataclass(frozen=True)
class BranchStatistics:
    """What a branch's maps of good validation images are like.

    Mean and deviation of the unblurred maps, everywhere and on the part; of the blurred ones the
    mean of their maxima and the largest of their levels.
    """

    mean: float
    std: float
    foreground_mean: float
    foreground_std: float
    peak_mean: float
    highest_level: float

    def to_dict(self) -> dict[str, float]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> Self:
        """The inverse of `to_dict`; UserError, TypeError or ValueError for other values."""
        names = [field.name for field in fields(cls)]
        if set(values) != set(names):
            raise UserError("calibrated by another version of dcrdf; run `dcrdf infer` again")
        numbers = {name: float(values[name]) for name in names}
        if not all(math.isfinite(number) for number in numbers.values()):
            raise ValueError("statistics are not finite")
        return cls(**numbers)

    @classmethod
    def of_maps(
        cls, maps: NDArray[np.float32], foreground: NDArray[np.bool_], blur_sigma_px: float
    ) -> Self:
        """Statistics of maps (N, H, W) over all pixels and over the foreground."""
        values = maps.astype(np.float64)
        inside = values[foreground] if foreground.any() else values.ravel()
        blurred = gaussian_blur(torch.from_numpy(maps), blur_sigma_px)
        tiny = np.finfo(np.float32).tiny
        return cls(
            float(values.mean()),
            float(max(values.std(), tiny)),
            float(inside.mean()),
            float(max(inside.std(), tiny)),
            float(blurred.flatten(1).amax(dim=1).double().mean()),
            max(float(image_levels(blurred).max()), float(tiny)),
        )


def image_levels(maps: Tensor) -> Tensor:
    """The value that the quietest quarter of each map (B, H, W) does not exceed, (B,)."""
    flat = maps.flatten(1)
    levels: Tensor = flat.kthvalue(max(1, round(LEVEL_SHARE * flat.shape[1])), dim=1).values
    return levels
