"""Residual blocks of the student, down- and upsampling (He et al. 2016, mirrored for decoding)."""

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


def downsampling_convolutions(inputs: int, outputs: int, times: int) -> nn.Sequential:
    """`times` 3 x 3 convolutions of stride 2, each with BatchNorm and ReLU, doubling channels."""
    layers: list[nn.Module] = []
    for step in range(times):
        wide = outputs if step == times - 1 else min(outputs, inputs * 2)
        layers += [*_conv3(inputs, wide, stride=2), nn.ReLU(inplace=True)]
        inputs = wide
    return nn.Sequential(*layers)
