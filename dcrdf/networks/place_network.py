"""A small network from what is known of a place to what is usual there (docs/method.md, section 4).

It is fitted to good images after the training and is no part of it.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

STEP_PLACES = 2048
TIMES_SHOWN = 200
"""How often a place is learnt from, at most: few places are learnt by heart in as many steps."""
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 1e-4
SMALLEST_SPREAD = 1e-6

Loss = Callable[[Tensor, Tensor], Tensor]
"""Outputs (n, O) and the rows (n,) they belong to -> the mean loss."""
Rate = Callable[[float], float]
"""The share of the steps that are done -> the learning rate."""


def constant(_: float) -> float:
    """The same rate from the first step to the last."""
    return LEARNING_RATE


class PlaceNetwork(nn.Module):
    """One hidden layer over standardised features; its weights are buffers. Zero before a fit."""

    feature_mean: Tensor
    feature_std: Tensor
    hidden_weight: Tensor
    hidden_bias: Tensor
    output_weight: Tensor

    def __init__(self, channels: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.register_buffer("feature_mean", torch.zeros(channels))
        self.register_buffer("feature_std", torch.ones(channels))
        self.register_buffer("hidden_weight", torch.zeros(hidden, channels))
        self.register_buffer("hidden_bias", torch.zeros(hidden))
        self.register_buffer("output_weight", torch.zeros(outputs, hidden))

    def fit(
        self,
        features: Tensor,
        loss: Loss,
        steps: int,
        generator: torch.Generator,
        rate: Rate = constant,
    ) -> None:
        """Learn from features (n, C) of good places in so many steps, fewer where there are few
        places; the generator draws on the CPU."""
        self.feature_mean.copy_(features.mean(dim=0))
        self.feature_std.copy_(features.std(dim=0).clamp_min(SMALLEST_SPREAD))
        bound = features.shape[1] ** -0.5
        for buffer in (self.hidden_weight, self.hidden_bias):
            buffer.copy_((2.0 * torch.rand(buffer.shape, generator=generator) - 1.0) * bound)
        self.output_weight.zero_()
        self._minimise(self._standardised(features), loss, steps, generator, rate)

    @torch.enable_grad()
    def _minimise(
        self,
        standardised: Tensor,
        loss: Loss,
        steps: int,
        generator: torch.Generator,
        rate: Rate,
    ) -> None:
        learnt = (self.hidden_weight, self.hidden_bias, self.output_weight)
        for buffer in learnt:
            buffer.requires_grad_(True)
        optimizer = torch.optim.Adam(learnt, weight_decay=WEIGHT_DECAY)
        count = len(standardised)
        size = min(count, STEP_PLACES)
        steps = min(steps, TIMES_SHOWN * count // size)
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = rate(step / steps)
            rows = torch.randint(count, (size,), generator=generator)
            rows = rows.to(standardised.device)
            optimizer.zero_grad(set_to_none=True)
            loss(self._outputs(standardised[rows]), rows).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        for buffer in learnt:
            buffer.requires_grad_(False)

    def forward(self, features: Tensor) -> Tensor:
        """Features (..., C) -> outputs (..., O)."""
        return self._outputs(self._standardised(features))

    def _standardised(self, features: Tensor) -> Tensor:
        return (features - self.feature_mean) / self.feature_std

    def _outputs(self, standardised: Tensor) -> Tensor:
        return self.output(functional.linear(standardised, self.hidden_weight, self.hidden_bias))

    def hidden(self) -> tuple[Tensor, Tensor]:
        """Weight (hidden, C) and bias (hidden,) that take features as they are: a part of the
        channels, at a grid of its own, can be weighed before it is brought to another grid."""
        weight = self.hidden_weight / self.feature_std
        return weight, self.hidden_bias - weight @ self.feature_mean

    def output(self, hidden: Tensor) -> Tensor:
        """Sums of the hidden layer (..., hidden) -> outputs (..., O)."""
        return functional.linear(functional.gelu(hidden), self.output_weight)


def unit_features(features: Tensor) -> Tensor:
    """(B, C, H, W) -> unit vectors (B, H, W, C)."""
    return functional.normalize(features, dim=1).permute(0, 2, 3, 1)
