"""The losses that DCRDF-Net adds to distillation (docs/method.md, sections 3 and 4)."""

import torch
from torch import Tensor

from dcrdf.detectors.reverse_distillation.losses import shared_batches
from dcrdf.networks.teacher import Features


def denoising_loss(refined: Features, clean: Features) -> Tensor:
    """Sum over stages of the mean squared difference to the clean features (paper, eq. 8).

    `refined` may hold several batches that share the clean ones, one after another.
    """
    losses = [
        (shared_batches(ours, target).float() - target.float()).square().mean()
        for ours, target in zip(refined, clean, strict=True)
    ]
    return torch.stack(losses).sum()


def focal_loss(probability: Tensor, mask: Tensor, gamma: float, alpha: float) -> Tensor:
    """Mean focal loss of a probability map (B, H, W) against a boolean mask (Lin et al. 2017)."""
    p = probability.float().clamp(1e-4, 1.0 - 1e-4)
    positive = -alpha * (1.0 - p) ** gamma * torch.log(p)
    negative = -(1.0 - alpha) * p**gamma * torch.log1p(-p)
    return torch.where(mask, positive, negative).mean()
