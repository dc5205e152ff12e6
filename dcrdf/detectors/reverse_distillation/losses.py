"""Distillation losses and the cosine anomaly map of reverse distillation (Deng and Li, 2022)."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from dcrdf.networks.teacher import Features

SHORTEST = 1e-8
"""Vectors shorter than this have no direction."""


def distillation_loss(student: Features, teacher: Features, per_pixel: bool = False) -> Tensor:
    """Sum over stages of 1 - cosine, of whole flattened maps or the mean over pixels.

    The flattened vector of C * H * W values is what reverse distillation's code compares.
    `student` may hold several batches that share the teacher's, one after another.
    """
    dims = (2,) if per_pixel else (2, 3, 4)
    losses = [
        (1.0 - _cosine(shared_batches(own, target), target.unsqueeze(0), dims)).mean()
        for own, target in zip(student, teacher, strict=True)
    ]
    return torch.stack(losses).sum()


def cosine_distances(student: Features, teacher: Features) -> list[Tensor]:
    """Per stage 1 - cosine at every position: (B, H_i, W_i)."""
    return [1.0 - _cosine(own, target, (1,)) for own, target in zip(student, teacher, strict=True)]


def anomaly_map(distances: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    """Distances upsampled bilinearly to `size`, averaged, clipped to [0, 1]: (B, H, W)."""
    return upsampled_mean(distances, size).clamp(0.0, 1.0)


def upsampled_mean(stages: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    """Maps (B, H_i, W_i) of all stages upsampled bilinearly and averaged: (B, H, W)."""
    maps = [
        functional.interpolate(x.unsqueeze(1), size, mode="bilinear", align_corners=False)
        for x in stages
    ]
    return torch.cat(maps, dim=1).mean(dim=1)


def shared_batches(features: Tensor, shared: Tensor) -> Tensor:
    """(k B, C, H, W) beside a shared (B, C, H, W) -> (k, B, C, H, W)."""
    return features.unflatten(0, (-1, len(shared)))


def _cosine(own: Tensor, target: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Cosine over `dims`; keeps no normalised copies, as torch's own does."""
    kind = torch.promote_types(own.dtype, torch.float32)
    own, target = own.to(kind), target.to(kind)
    lengths = [torch.linalg.vector_norm(x, dim=dims).clamp_min(SHORTEST) for x in (own, target)]
    return (own * target).sum(dim=dims) / (lengths[0] * lengths[1])
