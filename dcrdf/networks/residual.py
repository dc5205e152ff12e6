"""Residual blocks of the student, down- and upsampling (He et al. 2016, mirrored for decoding)."""

from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

Step = Literal["same", "down", "up"]


class ResidualBlock(nn.Module):
    """Basic (two 3 x 3) or bottleneck (1 x 1, 3 x 3, 1 x 1) block with a resampling shortcut.

    Upsampling is a 2 x 2 transposed convolution of stride 2, on both ways. Inside, a bottleneck is
    narrower than its outputs by `inner_divisor`: 4, or 2 in wide ResNets.
    """

    def __init__(
        self, inputs: int, outputs: int, kind: str, step: Step = "same", inner_divisor: int = 4
    ) -> None:
        super().__init__()
        layers: list[nn.Module]
        if kind == "bottleneck":
            width = outputs // inner_divisor
            layers = [*_conv1(inputs, width), nn.ReLU(inplace=True)]
            layers += [*_resample3(width, width, step), nn.ReLU(inplace=True)]
            layers += _conv1(width, outputs)
        else:
            layers = [*_resample3(inputs, outputs, step), nn.ReLU(inplace=True)]
            layers += _conv3(outputs, outputs)
        self.body = nn.Sequential(*layers)
        self.shortcut = _shortcut(inputs, outputs, step)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H', W')."""
        out: Tensor = self.activation(self.body(x) + self.shortcut(x))
        return out


def _conv1(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]


def _conv3(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
    ]


def _up2(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.ConvTranspose2d(inputs, outputs, 2, 2, bias=False), nn.BatchNorm2d(outputs)]


def _resample3(inputs: int, outputs: int, step: Step) -> list[nn.Module]:
    if step == "up":
        return _up2(inputs, outputs)
    return _conv3(inputs, outputs, stride=2 if step == "down" else 1)


def _shortcut(inputs: int, outputs: int, step: Step) -> nn.Module:
    if step == "up":
        return nn.Sequential(*_up2(inputs, outputs))
    if step == "down":
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride=2, bias=False), nn.BatchNorm2d(outputs)
        )
    return nn.Identity() if inputs == outputs else nn.Sequential(*_conv1(inputs, outputs))


def downsampling_convolutions(*widths: int) -> nn.Sequential:
    """3 x 3 convolutions of stride 2 from width to width, each with BatchNorm and ReLU."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [*_conv3(inputs, outputs, stride=2), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def conv_norm_relu(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    """A convolution of an odd kernel that keeps the size, or of one that is as large as its stride,
    with BatchNorm and ReLU."""
    padding = kernel // 2 if kernel % 2 else 0
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


def up_norm_relu(inputs: int, outputs: int) -> list[nn.Module]:
    """Twice the size by a 2 x 2 transposed convolution of stride 2, with BatchNorm and ReLU."""
    return [*_up2(inputs, outputs), nn.ReLU(inplace=True)]


def initialise(network: nn.Module) -> None:
    """Convolutions drawn as He et al. draw them, by their outputs (fan-out); transposed ones and
    batch norms stay as torch makes them."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
