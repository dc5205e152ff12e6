"""The trunks of the convolutional teachers, and what published weight files call their tensors.

Each trunk is three stages, one after the other; a stage ends where its map is taken.
"""

from typing import Any

from torch import Tensor, nn

from dcrdf.networks.torchvision_backbones import torchvision_models


class Stages(nn.ModuleList):
    """Three stages, each of which reads what the one before gives."""

    def forward(self, images: Tensor) -> list[Tensor]:
        """Normalised images (B, 3, H, W) -> the map of each stage."""
        features, x = [], images
        for stage in self:
            x = stage(x)
            features.append(x)
        return features


def resnet(name: str) -> Stages:
    """torchvision's ResNet up to layer3."""
    network = getattr(torchvision_models(), name)(weights=None)
    stem = nn.Sequential()
    for part in ("conv1", "bn1", "relu", "maxpool"):
        stem.add_module(part, getattr(network, part))
    first = nn.Sequential()
    first.add_module("stem", stem)
    first.add_module("layer1", network.layer1)
    return Stages([first, network.layer2, network.layer3])


def resnet_name(key: str) -> str:
    """torchvision's name of a tensor -> its name in `Teacher`."""
    part = key.split(".", maxsplit=1)[0]
    if part in ("conv1", "bn1"):
        return f"stages.0.stem.{key}"
    prefixes = {"layer1": "stages.0.layer1", "layer2": "stages.1", "layer3": "stages.2"}
    return key.replace(part, prefixes[part], 1) if part in prefixes else key


def efficientnet_lite0() -> Stages:
    """EfficientNet-Lite0 up to the last block at stride 16."""
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    blocks = network._blocks
    stem = nn.Sequential(network._conv_stem, network._bn0, nn.ReLU6())
    return Stages(
        [
            nn.Sequential(stem, *blocks[0:3]),
            nn.Sequential(*blocks[3:5]),
            nn.Sequential(*blocks[5:11]),
        ]
    )


def efficientnet_lite0_name(key: str) -> str:
    """The package's name of a tensor -> its name in `Teacher`."""
    if key.startswith("_conv_stem."):
        return key.replace("_conv_stem", "stages.0.0.0")
    if key.startswith("_bn0."):
        return key.replace("_bn0", "stages.0.0.1")
    if not key.startswith("_blocks."):
        return key
    _, number, rest = key.split(".", 2)
    index = int(number)
    if index < 3:
        return f"stages.0.{index + 1}.{rest}"
    if index < 5:
        return f"stages.1.{index - 3}.{rest}"
    return f"stages.2.{index - 5}.{rest}"


_B5_STAGE_OF_PART = (0, 0, 0, 0, 1, 1, 2)
"""Of torchvision's `features`, the last two parts left out."""


def efficientnet_b5() -> Stages:
    """torchvision's EfficientNet-B5 up to the stage of 304 channels; its parts keep their numbers.

    AST's features come from there (Rudolph et al., WACV 2023).
    """
    parts: Any = torchvision_models().efficientnet_b5(weights=None).features
    return Stages([parts[0:4], parts[4:6], parts[6:7]])


def efficientnet_b5_name(key: str) -> str:
    """torchvision's name of a tensor -> its name in `Teacher`."""
    group, _, rest = key.partition(".")
    number = rest.partition(".")[0]
    if group != "features" or not number.isdigit() or int(number) >= len(_B5_STAGE_OF_PART):
        return key
    return f"stages.{_B5_STAGE_OF_PART[int(number)]}.{rest}"
