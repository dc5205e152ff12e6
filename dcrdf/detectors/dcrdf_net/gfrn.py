"""Guided feature refinement network: perturbed teacher features -> clean ones (method, 3)."""

from collections.abc import Sequence

from torch import Tensor, nn

from dcrdf.detectors.dcrdf_net.attention import LinearAttention
from dcrdf.networks.teacher import Features


class RefinementStage(nn.Module):
    """Two [3 x 3 convolution, InstanceNorm, LeakyReLU] blocks and linear attention at one scale.

    `residual` returns the input plus a 1 x 1 convolution of that, started at zero: the literal form
    ends in InstanceNorm and LeakyReLU, which cannot give back the channel energy of its input.
    """

    def __init__(self, channels: int, residual: bool) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*_block(channels), *_block(channels))
        self.attention = LinearAttention(channels)
        self.write_back = nn.Conv2d(channels, channels, 1) if residual else None
        if self.write_back is not None:
            nn.init.zeros_(self.write_back.weight)
            nn.init.zeros_(self.write_back.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        refined: Tensor = self.attention(self.blocks(features))
        return refined if self.write_back is None else features + self.write_back(refined)


class GuidedFeatureRefinement(nn.Module):
    """One refinement stage per teacher stage."""

    def __init__(self, channels: Sequence[int], residual: bool) -> None:
        super().__init__()
        self.stages = nn.ModuleList(RefinementStage(count, residual) for count in channels)

    def forward(self, features: Features) -> Features:
        """Refine the teacher's features of every stage."""
        return [stage(x) for stage, x in zip(self.stages, features, strict=True)]


def _block(channels: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        nn.InstanceNorm2d(channels, affine=True),
        nn.LeakyReLU(0.2),
    )
