"""Linear attention with a position-aware bias (docs/method.md, section 3)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

HEADS = 4
SMALLEST_SUM = 1e-6
"""Of the weights of a query: elu + 1 of very negative values is zero in float32."""


class LinearAttention(nn.Module):
    """Attention at a cost linear in the number of pixels: kernel elu + 1, four heads.

    A depthwise 3 x 3 convolution on the values adds what a position's neighbours say, which
    linear attention alone cannot see. The result is added to the input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        width = -(-(channels // 4) // HEADS) * HEADS
        self.query = nn.Conv2d(channels, width, 1)
        self.key = nn.Conv2d(channels, width, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.position = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.project = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        batch, channels, height, width = x.shape
        query, key = self._heads(self.query(x)), self._heads(self.key(x))
        value = self.value(x)
        query, key = functional.elu(query) + 1.0, functional.elu(key) + 1.0
        values = self._heads(value)
        context = torch.einsum("bhkn,bhvn->bhkv", key, values)
        normaliser = torch.einsum("bhkn,bhk->bhn", query, key.sum(dim=-1))
        normaliser = normaliser.clamp_min(SMALLEST_SUM).unsqueeze(2)
        attended = torch.einsum("bhkn,bhkv->bhvn", query, context) / normaliser
        attended = attended.reshape(batch, channels, height, width)
        return x + self.project(attended + self.position(value))

    @staticmethod
    def _heads(x: Tensor) -> Tensor:
        return x.flatten(2).unflatten(1, (HEADS, -1))
