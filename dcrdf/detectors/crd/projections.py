"""From one modality's features into the other's feature space, stage by stage (docs/crd.md)."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from dcrdf.networks.residual import conv_norm_relu, up_norm_relu
from dcrdf.networks.teacher import Features, TeacherShape


class Projection(nn.Module):
    """Layers for each of the teacher's stages; the last one is a ReLU.

    Of a teacher whose features can be negative it becomes a 1 x 1 convolution.
    """

    def __init__(self, shape: TeacherShape, stages: Sequence[list[nn.Module]]) -> None:
        super().__init__()
        self.stages = nn.ModuleList()
        for channels, layers in zip(shape.channels, stages, strict=True):
            *body, last = layers
            end = nn.Conv2d(channels, channels, 1) if shape.signed else last
            self.stages.append(nn.Sequential(*body, end))

    def forward(self, features: Features) -> Features:
        """Features of the other modality -> in the shapes and the space of the own ones."""
        return [stage(x) for stage, x in zip(self.stages, features, strict=True)]


class BottleneckProjection(Projection):
    """Through a map that is halved `depth` times below the coarsest stage, and up again: what does
    not fit into it is left out."""

    def __init__(self, shape: TeacherShape, depth: int = 1) -> None:
        coarsest = shape.channels[-1]
        chain = (*shape.channels, 2 * coarsest, 2 * coarsest)[: len(shape.channels) + depth]
        super().__init__(shape, [_down_and_up(chain[at:]) for at in range(len(shape.channels))])


class IdentityProjection(Projection):
    """At its own size and width."""

    def __init__(self, shape: TeacherShape) -> None:
        super().__init__(shape, [_straight(channels) for channels in shape.channels])


class InvertedProjection(Projection):
    """At its own size, wider inside by `expansion`."""

    def __init__(self, shape: TeacherShape, expansion: int = 2) -> None:
        super().__init__(shape, [_widened(channels, expansion) for channels in shape.channels])


def _down_and_up(widths: Sequence[int]) -> list[nn.Module]:
    """2 x 2 convolutions of stride 2 along the widths, transposed ones back."""
    if len(widths) == 1:
        return _straight(widths[0])
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += conv_norm_relu(inputs, outputs, 2, 2)
    for inputs, outputs in pairwise(reversed(widths)):
        layers += up_norm_relu(inputs, outputs)
    return layers


def _straight(channels: int) -> list[nn.Module]:
    return [*conv_norm_relu(channels, channels, 3), *conv_norm_relu(channels, channels, 1)]


def _widened(channels: int, expansion: int) -> list[nn.Module]:
    if expansion == 1:
        return _straight(channels)
    wide = expansion * channels
    return [
        *conv_norm_relu(channels, channels, 3),
        *conv_norm_relu(channels, wide, 1),
        *conv_norm_relu(wide, channels, 1),
    ]
