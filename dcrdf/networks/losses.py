"""Distillation and focal losses and the cosine anomaly map (docs/method.md, section 4)."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from dcrdf.networks.teacher import Features


def distillation_loss(student: Features, teacher: Features, per_pixel: bool = False) -> Tensor:
    """Sum over stages of 1 - cosine, of whole flattened maps or the mean over pixels.

    The flattened vector of C * H * W values is what reverse distillation's code compares.
    """
    losses = []
    for own, target in zip(student, teacher, strict=True):
        pair = (own, target) if per_pixel else (own.flatten(1), target.flatten(1))
        losses.append((1.0 - functional.cosine_similarity(*pair, dim=1)).mean())
    return torch.stack(losses).sum()


def denoising_loss(refined: Features, clean: Features) -> Tensor:
    """Sum over stages of the mean squared difference to the clean features (paper, eq. 8)."""
    return torch.stack(
        [functional.mse_loss(ours, target) for ours, target in zip(refined, clean, strict=True)]
    ).sum()


def cosine_distances(student: Features, teacher: Features) -> list[Tensor]:
    """Per stage 1 - cosine at every position: (B, H_i, W_i)."""
    return [
        1.0 - functional.cosine_similarity(own, target, dim=1)
        for own, target in zip(student, teacher, strict=True)
    ]


def anomaly_map(distances: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    """Distances upsampled bilinearly to `size`, averaged, clipped to [0, 1]: (B, H, W)."""
    maps = [
        functional.interpolate(d.unsqueeze(1), size, mode="bilinear", align_corners=False)
        for d in distances
    ]
    return torch.cat(maps, dim=1).mean(dim=1).clamp(0.0, 1.0)


def focal_loss(probability: Tensor, mask: Tensor, gamma: float, alpha: float) -> Tensor:
    """Mean focal loss of a probability map (B, H, W) against a boolean mask (Lin et al. 2017)."""
    p = probability.float().clamp(1e-4, 1.0 - 1e-4)
    positive = -alpha * (1.0 - p) ** gamma * torch.log(p)
    negative = -(1.0 - alpha) * p**gamma * torch.log1p(-p)
    return torch.where(mask, positive, negative).mean()
