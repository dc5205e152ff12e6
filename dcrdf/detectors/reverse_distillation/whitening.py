"""Whitened residuals: how unusual a student's error is, not only how large (docs/method.md, 4).

On good parts a student errs in typical directions: at edges, at printed dots, in grain. The cosine
distance counts these errors like any other. A Mahalanobis length under the covariance of the errors
on good training images counts an error by how rarely good parts show it.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

SHRINKAGE = 0.3
"""Weight of a multiple of the identity in the covariance: rare directions stay bounded."""
SMALLEST_SHARE = 1e-6
"""Of the channels' count: with a smaller mean square all residuals were the same."""


def residuals(student: Tensor, teacher: Tensor) -> Tensor:
    """Difference of the two unit vectors at every position: (B, H, W, C), squared length 2 d."""
    difference = functional.normalize(teacher, dim=1) - functional.normalize(student, dim=1)
    return difference.permute(0, 2, 3, 1)


class ResidualMoments:
    """Count, sum and sum of products of residuals, in float64 and in batches."""

    def __init__(self, channels: int, device: torch.device) -> None:
        self.count = 0
        self.sum = torch.zeros(channels, dtype=torch.float64, device=device)
        self.products = torch.zeros(channels, channels, dtype=torch.float64, device=device)

    def add(self, values: Tensor) -> None:
        """Take residuals (n, C) in."""
        values = values.double()
        self.count += len(values)
        self.sum += values.sum(dim=0)
        self.products += values.T @ values

    def mean(self) -> Tensor:
        """(C,)."""
        return self.sum / max(self.count, 1)

    def covariance(self) -> Tensor:
        """(C, C)."""
        mean = self.mean()
        return self.products / max(self.count, 1) - torch.outer(mean, mean)


class ResidualWhitening(nn.Module):
    """Mahalanobis length of one stage's residuals: its mean square is one over what it was fitted
    to, whatever the covariance's spectrum, so that stages can be averaged."""

    mean: Tensor
    transform: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("transform", torch.eye(channels))

    def fit(self, moments: ResidualMoments) -> None:
        """Take over mean and inverse root of the shrunk covariance of good parts' residuals."""
        covariance = moments.covariance()
        channels = len(covariance)
        spread = covariance.diagonal().mean().clamp_min(torch.finfo(torch.float32).tiny)
        identity = torch.eye(channels, dtype=torch.float64, device=covariance.device)
        shrunk = (1.0 - SHRINKAGE) * covariance + SHRINKAGE * spread * identity
        inverse = torch.linalg.inv(shrunk)
        # The mean of r^T S^-1 r is tr(S^-1 C): the channels' count only where nothing is shrunk.
        mean_square = (inverse * covariance).sum()
        if mean_square < channels * SMALLEST_SHARE:
            mean_square = torch.full_like(mean_square, channels)
        self.mean.copy_(moments.mean())
        self.transform.copy_(torch.linalg.cholesky(inverse / mean_square))

    def forward(self, values: Tensor) -> Tensor:
        """Residuals (..., C) -> Mahalanobis lengths (...)."""
        lengths: Tensor = ((values - self.mean) @ self.transform).norm(dim=-1)
        return lengths
