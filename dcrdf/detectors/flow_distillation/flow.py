"""The teacher: a conditional normalising flow of feature maps (AST: Rudolph et al., WACV 2023)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

ATAN_SHARE = 0.636
"""About 2 / pi: the soft clamp stays within the clamp."""


class ConditionalFlow(nn.Module):
    """A bijection x -> z of maps (B, C, H, W), drawn to a standard normal of every place.

    A coupling block for each of `kernels`; both halves of the channels are changed in each. It
    starts as a permutation of the channels. Always in float32 (float64 stays), also under autocast.
    """

    def __init__(
        self,
        channels: int,
        condition: int = 32,
        kernels: Sequence[int] = (3, 3, 3, 5),
        hidden: int = 64,
        clamp: float = 1.9,
    ) -> None:
        super().__init__()
        self.condition = condition
        self.blocks: Any = nn.ModuleList(
            CouplingBlock(channels, condition, kernel, hidden, clamp, number)
            for number, kernel in enumerate(kernels)
        )

    def forward(self, x: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """x (B, C, H, W) and its condition (B, K, H, W), None for K = 0 -> z, and the logarithm of
        the Jacobian's determinant by place, (B, H, W)."""
        with torch.autocast(x.device.type, enabled=False):
            z = full_precision(x)
            log_det = z.new_zeros((z.shape[0], *z.shape[2:]))
            for block in self.blocks:
                z, of_block = block(z, condition)
                log_det = log_det + of_block
        return z, log_det

    def inverse(self, z: Tensor, condition: Tensor | None) -> Tensor:
        """The x of which `forward` makes z."""
        with torch.autocast(z.device.type, enabled=False):
            x = full_precision(z)
            for block in reversed(self.blocks):
                x = block.inverse(x, condition)
        return x


class CouplingBlock(nn.Module):
    """Channels permuted; one half scaled and shifted by what the other says, and the other way
    round. The permutation is that of numpy's generator of seed `number`."""

    permutation: Tensor

    def __init__(
        self, channels: int, condition: int, kernel: int, hidden: int, clamp: float, number: int
    ) -> None:
        super().__init__()
        first = channels // 2
        self.clamp, self.halves = clamp, [first, channels - first]
        order = np.random.RandomState(number).permutation(channels)
        self.register_buffer("permutation", torch.from_numpy(order.astype(np.int64)))
        self.of_first = CouplingNet(first + condition, 2 * self.halves[1], kernel, hidden)
        self.of_second = CouplingNet(self.halves[1] + condition, 2 * first, kernel, hidden)

    def forward(self, x: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """As the flow's."""
        first, second = x.index_select(1, self.permutation).split(self.halves, dim=1)
        scale_first, shift = self._asked(self.of_second, second, condition)
        first = scale_first.exp() * first + shift
        scale_second, shift = self._asked(self.of_first, first, condition)
        second = scale_second.exp() * second + shift
        log_det = scale_first.sum(dim=1) + scale_second.sum(dim=1)
        return torch.cat([first, second], dim=1), log_det

    def inverse(self, y: Tensor, condition: Tensor | None) -> Tensor:
        """As the flow's."""
        first, second = y.split(self.halves, dim=1)
        scale, shift = self._asked(self.of_first, first, condition)
        second = (second - shift) * (-scale).exp()
        scale, shift = self._asked(self.of_second, second, condition)
        first = (first - shift) * (-scale).exp()
        return torch.cat([first, second], dim=1).index_select(1, self.permutation.argsort())

    def _asked(
        self, net: nn.Module, half: Tensor, condition: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Logarithm of the scale, and shift, of the other half."""
        seen = half if condition is None else torch.cat([half, condition.to(half)], dim=1)
        scale, shift = net(seen).chunk(2, dim=1)
        return soft_clamped(scale, self.clamp), shift


class CouplingNet(nn.Module):
    """Two convolutions, their output times a learned number that starts at 0."""

    def __init__(self, inputs: int, outputs: int, kernel: int, hidden: int) -> None:
        super().__init__()
        self.border = kernel // 2
        self.conv1 = nn.Conv2d(inputs, hidden, kernel)
        self.conv2 = nn.Conv2d(hidden, outputs, kernel)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        hidden = self.conv1(edges_repeated(x, self.border)).relu()
        return self.gamma * self.conv2(edges_repeated(hidden, self.border))


def soft_clamped(scale: Tensor, clamp: float) -> Tensor:
    """Smoothly within (-clamp, clamp); its slope at 0 is 0.636."""
    return clamp * ATAN_SHARE * torch.atan(scale / clamp)


def edges_repeated(x: Tensor, border: int) -> Tensor:
    """Maps (B, C, H, W) with so many places more at each side, which repeat the outermost ones.

    By slices: torch's own padding of this kind has no fast repeatable gradient on GPUs.
    """
    if border == 0:
        return x
    beside = (-1, -1, -1, border)
    x = torch.cat([x[..., :1].expand(beside), x, x[..., -1:].expand(beside)], dim=3)
    above = (-1, -1, border, -1)
    return torch.cat([x[:, :, :1].expand(above), x, x[:, :, -1:].expand(above)], dim=2)


def full_precision(x: Tensor) -> Tensor:
    """In float32, where it came in half; float64 stays."""
    return x if x.dtype == torch.float64 else x.float()
