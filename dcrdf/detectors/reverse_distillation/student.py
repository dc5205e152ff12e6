"""The reverse-distillation student: one-class bottleneck embedding, then a mirrored decoder.

Deng and Li, Anomaly Detection via Reverse Distillation from One-Class Embedding, CVPR 2022, is the
published form that DCRDF-Net's OCBE and decoder follow (docs/method.md, section 4). Strides are
named as a ResNet has them; any three that double will do, of images with sides that are multiples
of twice the last.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from dcrdf.networks.residual import ResidualBlock, conv_norm_relu, downsampling_convolutions
from dcrdf.networks.teacher import Features, TeacherShape


def blocks_like(shape: TeacherShape) -> Callable[..., ResidualBlock]:
    """Makes residual blocks of the teacher's kind and inner width."""
    return partial(ResidualBlock, kind=shape.block, inner_divisor=shape.inner_divisor)


class OneClassBottleneck(nn.Module):
    """OCBE: three stages fused at stride 16, then an embedding at stride 32.

    Each stage may join the features of several `sources`. Without `squeeze` it is reverse
    distillation's: its widths are the teacher's, and the blocks read all that is fused; with it
    (our reading of DCRDF-Net) a 1 x 1 convolution first brings that to the third stage's width.
    """

    def __init__(self, shape: TeacherShape, sources: int = 1, squeeze: bool = True) -> None:
        super().__init__()
        first, second, third = (sources * channels for channels in shape.channels)
        width = shape.channels[2]
        self.first = downsampling_convolutions(
            first, min(2 * first, width) if squeeze else second, width
        )
        self.second = downsampling_convolutions(second, width)
        self.third = (
            nn.Identity() if sources == 1 else nn.Sequential(*conv_norm_relu(third, width, 3))
        )
        self.fuse = (
            nn.Sequential(*conv_norm_relu(3 * width, width, 1)) if squeeze else nn.Identity()
        )
        embedding = 2 * width
        block = blocks_like(shape)
        self.embed = nn.Sequential(
            block(width if squeeze else 3 * width, embedding, step="down"),
            block(embedding, embedding),
            block(embedding, embedding),
        )

    def forward(self, features: Features) -> Tensor:
        """Features at strides 4, 8, 16, of all sources one after another in their channels ->
        embedding (B, 2 C_3, H / 32, W / 32)."""
        first, second, third = features
        parts = [self.first(first), self.second(second), self.third(third)]
        fused = self.fuse(torch.cat(parts, dim=1))
        embedding: Tensor = self.embed(fused)
        return embedding


class Decoder(nn.Module):
    """The teacher's stages mirrored: from the embedding up to strides 16, 8 and 4."""

    def __init__(self, shape: TeacherShape, blocks: Literal["mirror", "light"]) -> None:
        super().__init__()
        counts = shape.blocks if blocks == "mirror" else (1, 1, 1)
        stages, heads = [], []
        block = blocks_like(shape)
        inputs = 2 * shape.channels[2]
        # The block counts mirror RD4AD's: the stage next to the embedding takes the first count.
        for channels, count in zip(reversed(shape.channels), counts, strict=True):
            layers = [block(inputs, channels, step="up")]
            layers += [block(channels, channels) for _ in range(count - 1)]
            stages.append(nn.Sequential(*layers))
            heads.append(nn.Conv2d(channels, channels, 1) if shape.signed else nn.Identity())
            inputs = channels
        self.stages = nn.ModuleList(stages)
        self.heads = nn.ModuleList(heads)

    def forward(self, embedding: Tensor) -> Features:
        """Embedding -> features in the teacher's shapes and order (strides 4, 8, 16)."""
        return self.decode(embedding, lambda _, x, __: x)

    def decode(
        self, embedding: Tensor, passed: Callable[[int, Tensor, Tensor], Tensor]
    ) -> Features:
        """The same where `passed` says what the next stage reads, from a stage's number (0 is the
        coarsest), its inner features and what it gives out."""
        features, x = [], embedding
        for number, (stage, head) in enumerate(zip(self.stages, self.heads, strict=True)):
            x = stage(x)
            features.append(head(x))
            x = passed(number, x, features[-1])
        return features[::-1]


class Student(nn.Module):
    """Bottleneck and decoder of one modality."""

    def __init__(self, shape: TeacherShape, blocks: Literal["mirror", "light"] = "mirror") -> None:
        super().__init__()
        self.bottleneck = OneClassBottleneck(shape)
        self.decoder = Decoder(shape, blocks)

    def forward(self, features: Features) -> Features:
        """Teacher features (refined or not) -> the student's idea of the normal ones."""
        reconstructed: Features = self.decoder(self.bottleneck(features))
        return reconstructed
