"""Fusions of unblurred maps that learn nothing but statistics of good validation images."""

from collections.abc import Mapping

import torch
from torch import Tensor

from dcrdf.config.options import Fusion
from dcrdf.scoring.branch_statistics import BranchStatistics


def fuse(
    fusion: Fusion, rgb: Tensor, depth: Tensor, statistics: Mapping[str, BranchStatistics]
) -> Tensor:
    """Maps (B, H, W) of both branches -> the fused map; `statistics` of `rgb` and `depth`, for sums
    and maxima of z-scores (docs/method.md, 5)."""
    if fusion == "avg":
        return 0.5 * (rgb + depth)
    if fusion == "max":
        return torch.maximum(rgb, depth)
    rgb = _standardised(rgb, statistics["rgb"], fusion)
    depth = _standardised(depth, statistics["depth"], fusion)
    return rgb + depth if fusion == "zscore_sum" else torch.maximum(rgb, depth)


def _standardised(maps: Tensor, usual: BranchStatistics, fusion: Fusion) -> Tensor:
    if fusion == "zscore_max":
        return (maps - usual.foreground_mean) / usual.foreground_std
    return (maps - usual.mean) / usual.std
