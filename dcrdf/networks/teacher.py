"""The frozen teacher: three feature maps of an image (docs/method.md, 3)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from dcrdf.networks.trunks import (
    efficientnet_b5,
    efficientnet_b5_name,
    efficientnet_lite0,
    efficientnet_lite0_name,
    resnet,
    resnet_name,
)
from dcrdf.networks.vision_transformer import VisionTransformer

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
Features = list[Tensor]


@dataclass(frozen=True)
class TeacherShape:
    """What a student must know of its teacher."""

    channels: tuple[int, int, int]
    block: Literal["basic", "bottleneck"]
    blocks: tuple[int, int, int]
    """Residual blocks of each stage, which the decoder mirrors."""
    signed: bool
    """Whether features can be negative (no ReLU after the last layer of a stage)."""
    strides: tuple[int, int, int] = (4, 8, 16)
    """Image pixels that a place of each stage's map stands for, along each side."""
    inner_divisor: int = 4
    """By how much a bottleneck block is narrower inside than its outputs."""
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    """The normalisation of [0, 1] images that the weights were trained with."""
    scales: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """What each stage's features are divided by. Linear bottlenecks give features ten times larger
    than a ResNet's; cosines do not see it, the denoising loss and joined patches do."""


def _transformer(width: int, patch_px: int) -> TeacherShape:
    """A transformer keeps width and grid; its stages of four blocks each have no decoder."""
    strides = (patch_px, patch_px, patch_px)
    return TeacherShape((width, width, width), "basic", (4, 4, 4), signed=True, strides=strides)


TEACHERS = {
    "resnet18": TeacherShape((64, 128, 256), "basic", (2, 2, 2), signed=False, strides=(4, 8, 16)),
    "resnet50": TeacherShape(
        (256, 512, 1024), "bottleneck", (3, 4, 6), signed=False, strides=(4, 8, 16)
    ),
    "wide_resnet50_2": TeacherShape(
        (256, 512, 1024),
        "bottleneck",
        (3, 4, 6),
        signed=False,
        strides=(4, 8, 16),
        inner_divisor=2,
    ),
    "efficientnet_lite0": TeacherShape(
        (24, 40, 112),
        "basic",
        (2, 2, 2),
        signed=True,
        strides=(4, 8, 16),
        mean=(127 / 255,) * 3,
        std=(128 / 255,) * 3,
        scales=(13.0, 9.0, 5.0),
    ),
    "efficientnet_b5": TeacherShape(
        (64, 176, 304), "basic", (2, 2, 2), signed=True, strides=(8, 16, 32)
    ),
    "dino_vits8": _transformer(384, patch_px=8),
    "dino_vitb8": _transformer(768, patch_px=8),
    "dinov2_vits14": _transformer(384, patch_px=14),
}


@dataclass(frozen=True)
class Trunk:
    """How a teacher's network is made, and what published weight files call its tensors."""

    build: Callable[[], nn.Module]
    own_name: Callable[[str], str]
    """A tensor's name in a published file -> its name in `Teacher`; what is not used keeps its."""


def _as_published(key: str) -> str:
    return f"stages.{key}"


TRUNKS = {
    "resnet18": Trunk(partial(resnet, "resnet18"), resnet_name),
    "resnet50": Trunk(partial(resnet, "resnet50"), resnet_name),
    "wide_resnet50_2": Trunk(partial(resnet, "wide_resnet50_2"), resnet_name),
    "efficientnet_lite0": Trunk(efficientnet_lite0, efficientnet_lite0_name),
    "efficientnet_b5": Trunk(efficientnet_b5, efficientnet_b5_name),
    "dino_vits8": Trunk(partial(VisionTransformer, 8, 384, 6, native_side=28), _as_published),
    "dino_vitb8": Trunk(partial(VisionTransformer, 8, 768, 12, native_side=28), _as_published),
    "dinov2_vits14": Trunk(
        partial(VisionTransformer, 14, 384, 6, native_side=37, layer_scale=True), _as_published
    ),
}


class Teacher(nn.Module):
    """Frozen trunk in evaluation mode; images in, features of three stages out."""

    mean: Tensor
    std: Tensor

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.stride_in_1x1 = False
        self.shape = TEACHERS[name]
        self.stages: Any = TRUNKS[name].build()
        self.register_buffer(
            "mean", torch.tensor(self.shape.mean).view(1, 3, 1, 1), persistent=False
        )
        self.register_buffer("std", torch.tensor(self.shape.std).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> "Teacher":
        """Stay in evaluation mode: batch statistics are ImageNet's."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Features:
        """Images (B, 3, H, W) in [0, 1] -> three maps (B, C_i, H_i, W_i); height is replicated."""
        features = self.stages((images - self.mean) / self.std)
        return [x / scale for x, scale in zip(features, self.shape.scales, strict=True)]


def use_stride_in_first_convolution(teacher: Teacher) -> None:
    """He et al.'s Caffe ResNets stride in the first 1 x 1 convolution of a stage."""
    for stage in list(teacher.stages)[1:]:
        block = stage[0]
        block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride
    teacher.stride_in_1x1 = True
