"""How long a residual gets at places of this content while all is well (docs/method.md, section 4).

A student errs more on some normal content (chips, print, edges) than on other, and less steadily.
The expectation is learnt on good training images from features that a defect of this modality does
not show in, so that it cannot excuse itself: those of the student, and of the other modality.
"""

import torch
from torch import Tensor, nn

from dcrdf.networks.place_network import PlaceNetwork

HIDDEN = 64
STEPS = 400
SMALLEST_LENGTH = 1e-6
QUANTILE = 0.9
"""One good place in ten has a longer residual than expected. A mean would not know that raisins are
sometimes far off and plain dough never."""
OVERALL_SHARE = 0.5
"""How much the divisor keeps of the quantile over all content; the rest is the place's own."""


class UsualLength(nn.Module):
    """A small network from a feature vector to a high quantile of the residual's log length."""

    log_length: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("log_length", torch.zeros(()))
        self.network = PlaceNetwork(channels, HIDDEN, 1)

    def fit(self, features: Tensor, lengths: Tensor, generator: torch.Generator) -> None:
        """Learn from features (n, C) and lengths (n,) of good places; the generator draws on the
        CPU. Fewer than two places change nothing."""
        if len(features) < 2:
            return
        target = lengths.clamp_min(SMALLEST_LENGTH).log()
        self.log_length.copy_(target.quantile(QUANTILE))

        def loss(outputs: Tensor, rows: Tensor) -> Tensor:
            return _pinball(target[rows] - (self.log_length + outputs.squeeze(-1)))

        self.network.fit(features, loss, STEPS, generator)

    def forward(self, features: Tensor) -> Tensor:
        """Features (..., C) -> the length that one good place in ten of that kind exceeds (...)."""
        outputs: Tensor = self.network(features)
        return (self.log_length + outputs.squeeze(-1)).exp()

    def relative(self, lengths: Tensor, features: Tensor) -> Tensor:
        """Lengths (B, H, W) over what is usual at places with these features (B, H, W, C)."""
        overall = self.log_length.exp()
        return lengths / (OVERALL_SHARE * overall + (1.0 - OVERALL_SHARE) * self(features))


def _pinball(excess: Tensor) -> Tensor:
    """The loss that the quantile minimises (Koenker and Bassett, 1978)."""
    return torch.maximum(QUANTILE * excess, (QUANTILE - 1.0) * excess).mean()
