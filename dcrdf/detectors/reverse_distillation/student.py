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

from dcrdf.networks.residual import ResidualBlock, downsampling_convolutions
from dcrdf.networks.teacher import Features, TeacherShape


def blocks_like(shape: TeacherShape) -> Callable[..., ResidualBlock]:
    """Makes residual blocks of the teacher's kind and inner width."""
    return partial(ResidualBlock, kind=shape.block, inner_divisor=shape.inner_divisor)


class OneClassBottleneck(nn.Module):
    """OCBE: three stages fused at stride 16, squeezed to an embedding at stride 32."""

    def __init__(self, shape: TeacherShape) -> None:
        super().__init__()
        first, second, third = shape.channels
        self.first = downsampling_convolutions(first, third, 2)
        self.second = downsampling_convolutions(second, third, 1)
        self.fuse = nn.Sequential(
            nn.Conv2d(3 * third, third, 1, bias=False), nn.BatchNorm2d(third), nn.ReLU(inplace=True)
        )
        embedding = 2 * third
        block = blocks_like(shape)
        self.embed = nn.Sequential(
            block(third, embedding, step="down"),
            block(embedding, embedding),
            block(embedding, embedding),
        )

    def forward(self, features: Features) -> Tensor:
        """Features at strides 4, 8, 16 -> embedding (B, 2 C_3, H / 32, W / 32)."""
        first, second, third = features
        fused = self.fuse(torch.cat([self.first(first), self.second(second), third], dim=1))
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
        features, x = [], embedding
        for stage, head in zip(self.stages, self.heads, strict=True):
            x = stage(x)
            features.append(head(x))
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
