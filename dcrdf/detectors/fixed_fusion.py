"""Fusions that learn nothing but what good validation images look like (docs/method.md, 5)."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from dcrdf.config.options import Fusion
from dcrdf.detectors.branch_statistics import BranchStatistics, image_levels

PEAK_FUSIONS = ("peak_norm", "peak_trust")
"""Fusions of blurred maps, because their units are blurred maxima; the others fuse, then blur."""
DISTRUST = 2.0
"""A branch that is louder than usual, by a factor, weighs less by this power of the factor."""

Statistics = Mapping[str, BranchStatistics]


def fuse(fusion: Fusion, rgb: Tensor, depth: Tensor, statistics: Statistics) -> Tensor:
    """Maps (B, H, W) of both branches -> the fused map; of a peak fusion the maps are blurred."""
    if fusion == "avg":
        return 0.5 * (rgb + depth)
    if fusion == "max":
        return torch.maximum(rgb, depth)
    maps = {"rgb": rgb, "depth": depth}
    if fusion in PEAK_FUSIONS:
        return _by_peaks(maps, statistics, ask_image=fusion == "peak_trust")
    rgb, depth = (_standardised(maps[name], statistics[name], fusion) for name in maps)
    return rgb + depth if fusion == "zscore_sum" else torch.maximum(rgb, depth)


def loudness(maps: Mapping[str, Tensor], statistics: Statistics) -> dict[str, Tensor]:
    """Each image's level in each branch over the highest of good validation images, (B,)."""
    return {name: image_levels(x) / statistics[name].highest_level for name, x in maps.items()}


def _standardised(maps: Tensor, usual: BranchStatistics, fusion: Fusion) -> Tensor:
    if fusion == "zscore_max":
        return (maps - usual.foreground_mean) / usual.foreground_std
    return (maps - usual.mean) / usual.std


def _by_peaks(maps: Mapping[str, Tensor], statistics: Statistics, *, ask_image: bool) -> Tensor:
    """Excess over the part's mean in units of the usual maxima of good images; a branch that is
    restless on good parts weighs less, and a defect in one modality is not diluted."""
    factors = _unshared_loudness(maps, statistics) if ask_image else None
    excess = []
    for name, x in maps.items():
        usual = statistics[name]
        unit = max(usual.peak_mean - usual.foreground_mean, float(np.finfo(np.float32).tiny))
        if factors is None:
            excess.append((x - usual.foreground_mean).clamp_min(0.0) / unit)
        else:
            factor = factors[name][:, None, None]
            own = (x / factor - usual.foreground_mean).clamp_min(0.0) / unit
            excess.append(own / factor**DISTRUST)
    return torch.stack(excess).norm(dim=0)


def _unshared_loudness(maps: Mapping[str, Tensor], statistics: Statistics) -> dict[str, Tensor]:
    """By how much a branch is louder than good images are and than the other branch is, at least 1.

    A defect is somewhere; what fills the image and is in one modality alone is bad light or a bad
    sensor. What fills both is no such thing, and counts in full.
    """
    loud = {name: x.clamp_min(1.0) for name, x in loudness(maps, statistics).items()}
    shared = torch.stack(list(loud.values())).amin(dim=0)
    return {name: x / shared for name, x in loud.items()}
