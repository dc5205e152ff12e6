"""What a branch's maps of good images are like: the ground on which fusions compare branches."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcrdf.errors import UserError
from dcrdf.scoring.blur import gaussian_blur

LEVEL_SHARE = 0.25
"""Share of an image's pixels that lie at or below its level. A defect, even one that covers the
part, leaves so much of the image alone; bad light and a noisy sensor do not."""
TINY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Moments:
    """Count, mean and sum of squared deviations of the values of N images, float64 (N,) each."""

    count: NDArray[np.float64]
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]

    @classmethod
    def of(cls, maps: NDArray[np.float32], where: NDArray[np.bool_]) -> Self:
        """Of the pixels of each map (N, H, W) that `where` (N, H, W) names."""
        axes = (1, 2)
        values = maps.astype(np.float64)
        count = where.sum(axis=axes, dtype=np.float64)
        mean = np.where(where, values, 0.0).sum(axis=axes) / np.maximum(count, 1.0)
        deviations = np.where(where, values - mean[:, None, None], 0.0)
        return cls(count, mean, (deviations**2).sum(axis=axes))

    def pooled(self, rows: NDArray[np.intp]) -> tuple[float, float]:
        """Mean and deviation over all pixels of the images `rows` (Chan et al., 1979)."""
        count, means = self.count[rows], self.mean[rows]
        total = max(float(count.sum()), 1.0)
        mean = float((count * means).sum()) / total
        between = float((count * (means - mean) ** 2).sum())
        return mean, math.sqrt((float(self.squares[rows].sum()) + between) / total)


@dataclass(frozen=True)
class BranchFigures:
    """What statistics take from each of N good images: moments of the unblurred map in the image
    and on the part, and maximum and level of the blurred one, (N,)."""

    everywhere: Moments
    part: Moments
    peaks: NDArray[np.float64]
    levels: NDArray[np.float64]

    @classmethod
    def of_maps(
        cls,
        maps: NDArray[np.float32],
        foreground: NDArray[np.bool_],
        inside: NDArray[np.bool_],
        blur_sigma_px: float,
        *,
        is_silent_beside: bool = False,
    ) -> Self:
        """Of maps (N, H, W), where the part is, and where the image is (not a letterbox's bars).
        Maps that are silent beside the part have their levels taken on it."""
        blurred, within = gaussian_blur(torch.from_numpy(maps), blur_sigma_px), foreground & inside
        where = torch.from_numpy(np.ascontiguousarray(inside))
        part = torch.from_numpy(np.ascontiguousarray(within))
        levels_at = part_or_image(part, where) if is_silent_beside else where
        return cls(
            Moments.of(maps, inside),
            Moments.of(maps, within if within.any() else inside),
            image_maxima(blurred, where).double().numpy(),
            image_levels(blurred, levels_at).double().numpy(),
        )


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
    def of(cls, figures: BranchFigures, rows: NDArray[np.intp]) -> Self:
        """Statistics over the images `rows`."""
        mean, std = figures.everywhere.pooled(rows)
        part_mean, part_std = figures.part.pooled(rows)
        return cls(
            mean,
            max(std, TINY),
            part_mean,
            max(part_std, TINY),
            float(figures.peaks[rows].mean()),
            max(float(figures.levels[rows].max()), TINY),
        )


def image_maxima(maps: Tensor, inside: Tensor) -> Tensor:
    """The highest value of each map (B, H, W) where `inside` (B, H, W) is true, (B,)."""
    return maps.masked_fill(~inside, -torch.inf).flatten(1).amax(dim=1)


def image_levels(maps: Tensor, inside: Tensor) -> Tensor:
    """The value that the quietest quarter of each map (B, H, W) does not exceed, (B,); of the
    pixels where `inside` (B, H, W) is true."""
    ascending = maps.masked_fill(~inside, torch.inf).flatten(1).sort(dim=1).values
    count = inside.flatten(1).sum(dim=1, keepdim=True)
    rank = (LEVEL_SHARE * count).round().clamp_min(1.0).long() - 1
    return ascending.gather(1, rank).squeeze(1)


def part_or_image(part: Tensor, inside: Tensor) -> Tensor:
    """Where the part is in each image (B, H, W), and in one without a part, where the image is."""
    within = part & inside
    has_part = within.flatten(1).any(dim=1)[:, None, None]
    return (has_part & within) | (~has_part & inside)


def top_means(maps: Tensor, inside: Tensor, share: float) -> Tensor:
    """The mean of the highest `share` of each map (B, H, W) where `inside` is true, (B,)."""
    descending = (
        maps.masked_fill(~inside, -torch.inf).flatten(1).sort(dim=1, descending=True).values
    )
    count = (share * inside.flatten(1).sum(dim=1, keepdim=True)).round().clamp_min(1.0)
    ranks = torch.arange(descending.shape[1], device=maps.device)
    return descending.masked_fill(ranks >= count, 0.0).sum(dim=1) / count.squeeze(1)
