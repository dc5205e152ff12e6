"""The student: a plain residual network, which is no bijection (AST: Rudolph et al., WACV 2023)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.01
"""Of the leaky ReLUs below zero."""


class ResidualStudent(nn.Module):
    """Maps (B, C, H, W) and their condition (B, K, H, W) -> the teacher's z, (B, C, H, W)."""

    def __init__(
        self, channels: int, condition: int = 32, width: int = 1024, blocks: int = 4
    ) -> None:
        super().__init__()
        self.entrance = nn.Conv2d(channels + condition, width, 3, padding=1)
        self.blocks = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.exit = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """What it takes the teacher's output for."""
        seen = torch.cat([x, condition.to(x)], dim=1)
        z: Tensor = self.exit(self.blocks(_leaky(self.entrance(seen))))
        return z


class ResidualBlock(nn.Module):
    """Two normalised convolutions beside a skip; the activation comes before the sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, W, H, W)."""
        inner = _leaky(self.bn1(self.conv1(x)))
        return x + _leaky(self.bn2(self.conv2(inner)))


def _leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, SLOPE)
