"""Mean and deviation of channels."""

import torch
from torch import Tensor

LEAST_SHARE = 0.01
"""A deviation counts as this share of the channels' mean one at least: what hardly ever moves is
not blown up."""
LEAST = 1e-6


class Moments:
    """Of the channels of many maps, over the cells that count, in float64."""

    def __init__(self) -> None:
        self._count = 0
        self._sum = self._squares = torch.zeros((), dtype=torch.float64)

    def add(self, maps: Tensor, cells: Tensor) -> None:
        """Maps (B, C, g, g) and which of their cells (B, g, g) count."""
        values = maps.double().permute(0, 2, 3, 1)[cells]
        self._count += len(values)
        self._sum = self._sum.to(values) + values.sum(dim=0)
        self._squares = self._squares.to(values) + values.square().sum(dim=0)

    def result(self) -> tuple[Tensor, Tensor]:
        """Mean and deviation, (C,) each."""
        mean = self._sum / max(self._count, 1)
        variance = self._squares / max(self._count, 1) - mean.square()
        deviation = variance.clamp_min(0.0).sqrt()
        return mean, deviation.clamp_min(max(LEAST_SHARE * float(deviation.mean()), LEAST))
