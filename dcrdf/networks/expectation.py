"""How long a residual gets at places of this content while all is well (docs/method.md, section 4).

A student errs more on some normal content (chips, print, edges) than on other, and less steadily.
The expectation is learnt on good training images from features that a defect of this modality does
not show in, so that it cannot excuse itself: those of the student, and of the other modality.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

HIDDEN = 64
STEPS = 400
STEP_PLACES = 2048
MAX_PLACES = 40_000
"""Places of good images that one stage's expectation is fitted to, at most."""
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 1e-4
SMALLEST_LENGTH = 1e-6
QUANTILE = 0.9
"""One good place in ten has a longer residual than expected. A mean would not know that raisins are
sometimes far off and plain dough never."""
OVERALL_SHARE = 0.5
"""How much the divisor keeps of the quantile over all content; the rest is the place's own."""


class LengthExpectation(nn.Module):
    """A small network from a feature vector to a high quantile of the residual's log length.

    Its weights are buffers: it is fitted after the training and no part of it.
    """

    feature_mean: Tensor
    feature_std: Tensor
    log_length: Tensor
    hidden_weight: Tensor
    hidden_bias: Tensor
    output_weight: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("feature_mean", torch.zeros(channels))
        self.register_buffer("feature_std", torch.ones(channels))
        self.register_buffer("log_length", torch.zeros(()))
        self.register_buffer("hidden_weight", torch.zeros(HIDDEN, channels))
        self.register_buffer("hidden_bias", torch.zeros(HIDDEN))
        self.register_buffer("output_weight", torch.zeros(1, HIDDEN))

    def fit(self, features: Tensor, lengths: Tensor, generator: torch.Generator) -> None:
        """Learn from features (n, C) and lengths (n,) of good places; the generator draws on the
        CPU. Fewer than two places change nothing."""
        if len(features) < 2:
            return
        target = lengths.clamp_min(SMALLEST_LENGTH).log()
        self.feature_mean.copy_(features.mean(dim=0))
        self.feature_std.copy_(features.std(dim=0).clamp_min(SMALLEST_LENGTH))
        self.log_length.copy_(target.quantile(QUANTILE))
        bound = features.shape[1] ** -0.5
        for buffer in (self.hidden_weight, self.hidden_bias):
            buffer.copy_((2.0 * torch.rand(buffer.shape, generator=generator) - 1.0) * bound)
        self.output_weight.zero_()
        self._minimise(features, target, generator)

    @torch.enable_grad()
    def _minimise(self, features: Tensor, target: Tensor, generator: torch.Generator) -> None:
        learnt = (self.hidden_weight, self.hidden_bias, self.output_weight)
        for buffer in learnt:
            buffer.requires_grad_(True)
        optimizer = torch.optim.Adam(learnt, LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        for _ in range(STEPS):
            rows = torch.randint(len(features), (STEP_PLACES,), generator=generator)
            rows = rows.to(features.device)
            loss = _pinball(target[rows] - self._log_lengths(features[rows]))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        for buffer in learnt:
            buffer.requires_grad_(False)

    def forward(self, features: Tensor) -> Tensor:
        """Features (..., C) -> the length that one good place in ten of that kind exceeds (...)."""
        return self._log_lengths(features).exp()

    def _log_lengths(self, features: Tensor) -> Tensor:
        standardised = (features - self.feature_mean) / self.feature_std
        hidden = functional.gelu(
            functional.linear(standardised, self.hidden_weight, self.hidden_bias)
        )
        return self.log_length + functional.linear(hidden, self.output_weight).squeeze(-1)

    def relative(self, lengths: Tensor, features: Tensor) -> Tensor:
        """Lengths (B, H, W) over what is usual at places with these features (B, H, W, C)."""
        overall = self.log_length.exp()
        return lengths / (OVERALL_SHARE * overall + (1.0 - OVERALL_SHARE) * self(features))


def _pinball(excess: Tensor) -> Tensor:
    """The loss that the quantile minimises (Koenker and Bassett, 1978)."""
    return torch.maximum(QUANTILE * excess, (QUANTILE - 1.0) * excess).mean()


def unit_features(features: Tensor) -> Tensor:
    """(B, C, H, W) -> unit vectors (B, H, W, C)."""
    return functional.normalize(features, dim=1).permute(0, 2, 3, 1)
