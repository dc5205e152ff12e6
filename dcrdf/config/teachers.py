"""The teachers as the configuration sees them, without torch: the grids of their maps, and where
their weights come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

TeacherName = Literal[
    "resnet18",
    "resnet50",
    "wide_resnet50_2",
    "efficientnet_lite0",
    "efficientnet_b5",
    "dino_vits8",
    "dino_vitb8",
    "dinov2_vits14",
]
Strides = tuple[int, int, int]


@dataclass(frozen=True)
class TeacherInfo:
    """A teacher's maps and weights."""

    strides: Strides
    """Image pixels that a place of each map stands for, along each side."""
    weights: Literal["torchvision", "package", "pinned file"]
    """Where its weights come from; every teacher takes a file, some nothing but one whose SHA-256
    the configuration gives."""

    @property
    def halves(self) -> bool:
        """Whether each map has half the places of the one before, along each side."""
        return all(coarse == 2 * fine for fine, coarse in pairwise(self.strides))


TEACHERS: Mapping[TeacherName, TeacherInfo] = {
    "resnet18": TeacherInfo((4, 8, 16), "torchvision"),
    "resnet50": TeacherInfo((4, 8, 16), "torchvision"),
    "wide_resnet50_2": TeacherInfo((4, 8, 16), "torchvision"),
    "efficientnet_lite0": TeacherInfo((4, 8, 16), "package"),
    "efficientnet_b5": TeacherInfo((8, 16, 32), "torchvision"),
    "dino_vits8": TeacherInfo((8, 8, 8), "pinned file"),
    "dino_vitb8": TeacherInfo((8, 8, 8), "pinned file"),
    "dinov2_vits14": TeacherInfo((14, 14, 14), "pinned file"),
}
"""Strides as `dcrdf.networks.teacher` has them; a test holds the two together."""
