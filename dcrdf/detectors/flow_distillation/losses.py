"""What the flow and its student are trained by, on the cells that count (docs, section 5)."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from dcrdf.detectors.flow_distillation.flow import full_precision

MaskRule = Literal["any", "half"]


def unlikeliness(z: Tensor, log_det: Tensor) -> Tensor:
    """Negative logarithm of the likelihood of each place, (B, H, W), up to a constant.

    `z` (B, C, H, W) and `log_det` (B, H, W) are the flow's.
    """
    return 0.5 * z.square().sum(dim=1) - log_det


def likelihood_loss(z: Tensor, log_det: Tensor, cells: Tensor) -> Tensor:
    """The flow's loss: unlikeliness of the cells (B, H, W) that count, mean over all (AST)."""
    return _mean_of_all(unlikeliness(z, log_det), cells)


def distances(teacher: Tensor, student: Tensor) -> Tensor:
    """Squared difference of z (B, C, H, W) at each place, mean over channels, (B, H, W)."""
    return (full_precision(teacher) - full_precision(student)).square().mean(dim=1)


def distillation_loss(
    teacher: Tensor,
    student: Tensor,
    cells: Tensor,
    scales: Sequence[int] = (1, 2, 4),
    rule: MaskRule = "any",
) -> Tensor:
    """The student's loss: distances at each scale on the cells that count there, mean over all
    cells, then over scales (Qin et al., eq. 2 and 3; the norm there is C times ours)."""
    losses = [
        _mean_of_all(
            distances(pooled(teacher, scale), pooled(student, scale)),
            coarse_cells(cells, scale, rule),
        )
        for scale in scales
    ]
    return torch.stack(losses).mean()


def pooled(maps: Tensor, scale: int) -> Tensor:
    """Means of scale x scale places; where the border cuts one off, of the places that are left."""
    maps = full_precision(maps)
    return maps if scale == 1 else functional.avg_pool2d(maps, scale, ceil_mode=True)


def coarse_cells(cells: Tensor, scale: int, rule: MaskRule = "any") -> Tensor:
    """Which places (B, h, w) of a scale count, by the cells (B, H, W) bool: those that hold one
    that does, or (`half`) at least half of whose cells do."""
    if scale == 1:
        return cells
    shares = pooled(cells.float(), scale)
    return shares >= 0.5 if rule == "half" else shares > 0.0


def logged_as(loss: Tensor, value: Tensor) -> Tensor:
    """A loss that is minimised as `loss` and shown as `value`."""
    return loss + (value - loss).detach()


def _mean_of_all(values: Tensor, cells: Tensor) -> Tensor:
    """Filled, not multiplied: what does not count may be infinite."""
    return values.masked_fill(~cells, 0.0).mean()
