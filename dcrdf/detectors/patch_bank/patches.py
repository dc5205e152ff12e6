"""Features of several stages as patches of one grid."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def joined_stages(stages: Sequence[Tensor], pool_px: int, size: tuple[int, int]) -> Tensor:
    """Stages (B, C_i, h_i, w_i), each neighbourhood of `pool_px` x `pool_px` places averaged (zeros
    beyond the border) and brought to one grid bilinearly: (B, sum of C_i, *size)."""
    pooled = [functional.avg_pool2d(x, pool_px, stride=1, padding=pool_px // 2) for x in stages]
    return torch.cat(
        [functional.interpolate(x, size, mode="bilinear", align_corners=False) for x in pooled],
        dim=1,
    )
