"""What the other modality explains of a residual (docs/method.md, section 4).

A raisin that colour shows makes a bump whose features the height's student misses in a certain
direction, every time. Learnt on good images, this part of a residual can be told and taken off;
what is left is what neither the student nor the other modality knows of.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from dcrdf.networks.place_network import (
    SMALLEST_SPREAD,
    PlaceNetwork,
    unit_features,
)
from dcrdf.networks.teacher import Features

HIDDEN = 128
STEPS = 800
SMALLEST_SQUARE = 1e-9


class ResidualPrediction(nn.Module):
    """A small network from the student's feature at a place and the other modality's teacher
    features there, of all stages, to the residual that good images show."""

    mean: Tensor
    spread: Tensor

    def __init__(self, channels: int, other_channels: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("spread", torch.zeros(()))
        self.network = PlaceNetwork(channels + sum(other_channels), HIDDEN, channels)

    def fit(self, known: Tensor, residuals: Tensor, generator: torch.Generator) -> None:
        """Learn from what is known of good places (n, C + sum of the other's channels) and their
        residuals (n, C); the generator draws on the CPU. Fewer than two places change nothing."""
        if len(known) < 2:
            return
        self.mean.copy_(residuals.mean(dim=0))
        self.spread.copy_(residuals.std())
        target = (residuals - self.mean) / self.spread.clamp_min(SMALLEST_SPREAD)

        def loss(outputs: Tensor, rows: Tensor) -> Tensor:
            return functional.mse_loss(outputs, target[rows])

        self.network.fit(known, loss, STEPS, generator)

    def forward(self, student: Tensor, other: Features) -> Tensor:
        """The student's features (B, C, H, W) of this stage and the other modality's of all stages
        -> the residual to expect (B, H, W, C).

        Each stage is weighed at its own grid: resizing is linear, so that the order does not
        matter, and hidden sums are fewer than channels.
        """
        weight, bias = self.network.hidden()
        size = (student.shape[2], student.shape[3])
        hidden, start = bias, 0
        for features in (student, *other):
            part = weight[:, start : start + features.shape[1]]
            start += features.shape[1]
            sums = (unit_features(features) @ part.T).permute(0, 3, 1, 2)
            hidden = hidden + on_grid(sums, size).permute(0, 2, 3, 1)
        return self.mean + self.spread * self.network.output(hidden)

    def unexplained(self, residuals: Tensor, student: Tensor, other: Features) -> Tensor:
        """Residuals (B, H, W, C) less as much of what was to be expected as shortens them most.

        At most all of it and never less than nothing: another modality that is out of order, whose
        features mean nothing, can hide little and adds nothing.
        """
        expected = self(student, other)
        along = (residuals * expected).sum(dim=-1, keepdim=True)
        square = (expected**2).sum(dim=-1, keepdim=True).clamp_min(SMALLEST_SQUARE)
        return residuals - (along / square).clamp(0.0, 1.0) * expected


def known_of_places(student: Tensor, other: Features, chosen: Tensor) -> Tensor:
    """What an explanation is fitted on: unit features of this stage's student and of all stages of
    the other modality at the chosen places (B, H, W) -> (n, C + sum of the other's channels)."""
    size = (student.shape[2], student.shape[3])
    parts = [unit_features(student)[chosen]]
    for features in other:
        units = functional.normalize(features, dim=1)
        parts.append(on_grid(units, size).permute(0, 2, 3, 1)[chosen])
    return torch.cat(parts, dim=-1)


def on_grid(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Values (B, C, h, w) at another stage's grid: bilinear upwards, means of cells downwards."""
    if x.shape[2] <= size[0]:
        return functional.interpolate(x, size=size, mode="bilinear", align_corners=False)
    return functional.interpolate(x, size=size, mode="area")
