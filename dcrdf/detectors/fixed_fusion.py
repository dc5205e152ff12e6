"""Fusions that learn nothing but what good validation images look like (docs/method.md, 5)."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from dcrdf.config.options import Fusion
from dcrdf.detectors.branch_statistics import BranchStatistics

PEAK_FUSIONS = ("peak_norm", "peak_trust")
"""Fusions of blurred maps, because their units are blurred maxima; the others fuse, then blur."""
PEAK_ORDER = 3.0
"""The order of the norm that joins the two: the sum (1) would let content that is a little restless
in both modalities outrank a defect in one, the maximum (infinity) would not let defects add up."""
DISTRUST = 2.0
"""A modality that is unusual as a whole, by a factor, weighs less by this power of the factor."""

Statistics = Mapping[str, BranchStatistics]


def fuse(
    fusion: Fusion,
    rgb: Tensor,
    depth: Tensor,
    statistics: Statistics,
    unusual: Mapping[str, Tensor],
) -> Tensor:
    """Maps (B, H, W) of both branches -> the fused map; of a peak fusion the maps are blurred.

    `unusual` (B,) of both, at least 1, says by how much a modality of the image is unlike good ones
    as a whole; `peak_trust` asks for it.
    """
    if fusion == "avg":
        return 0.5 * (rgb + depth)
    if fusion == "max":
        return torch.maximum(rgb, depth)
    maps = {"rgb": rgb, "depth": depth}
    if fusion in PEAK_FUSIONS:
        return _by_peaks(maps, statistics, unusual if fusion == "peak_trust" else {})
    rgb, depth = (_standardised(maps[name], statistics[name], fusion) for name in maps)
    return rgb + depth if fusion == "zscore_sum" else torch.maximum(rgb, depth)


def _standardised(maps: Tensor, usual: BranchStatistics, fusion: Fusion) -> Tensor:
    if fusion == "zscore_max":
        return (maps - usual.foreground_mean) / usual.foreground_std
    return (maps - usual.mean) / usual.std


def _by_peaks(
    maps: Mapping[str, Tensor], statistics: Statistics, unusual: Mapping[str, Tensor]
) -> Tensor:
    """Excess over the part's mean in units of the usual maxima of good images; a branch that is
    restless on good parts weighs less, and a defect in one modality is not diluted."""
    factors = _unshared(unusual) if unusual else {}
    excess = []
    for name, x in maps.items():
        usual = statistics[name]
        unit = max(usual.peak_mean - usual.foreground_mean, float(np.finfo(np.float32).tiny))
        factor = factors[name][:, None, None] if factors else torch.ones_like(x[:, :1, :1])
        own = (x / factor - usual.foreground_mean).clamp_min(0.0) / unit
        excess.append(own / factor**DISTRUST)
    return torch.stack(excess).norm(p=PEAK_ORDER, dim=0)


def _unshared(unusual: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What is unusual in one modality alone is bad light or a bad sensor. What is in both is no
    such thing, another part perhaps, and counts in full."""
    shared = torch.stack(list(unusual.values())).amin(dim=0)
    return {name: x / shared for name, x in unusual.items()}
