"""The layers of a branch of Crossmodal Reverse Distillation, written down from their definition.

Nothing here imports the package. `shape` needs what a teacher's shape has: channels, block, blocks,
signed, inner_divisor; `options` the fields of the method's options.
"""

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple


class Layer(NamedTuple):
    """A convolution (`conv`) or 2 x 2 transposed convolution (`up`) without bias, then batch norm
    and perhaps ReLU; or a 1 x 1 convolution with bias and nothing after it (`head`)."""

    kind: str
    kernel: int
    stride: int
    inputs: int
    outputs: int
    relu: bool = True

    def parameters(self) -> int:
        """Learnt numbers."""
        weights = self.kernel**2 * self.inputs * self.outputs
        return weights + self.outputs * (1 if self.kind == "head" else 2)

    def side_after(self, side: int) -> int:
        """The side of the map that comes out, for even maps."""
        return 2 * side if self.kind == "up" else side // self.stride

    def macs(self, side: int) -> int:
        """Multiplications of the convolution on a square map."""
        grid = side if self.kind == "up" else self.side_after(side)
        return self.kernel**2 * self.inputs * self.outputs * grid**2


class Block(NamedTuple):
    """ReLU of the sum of two ways; an empty shortcut is the identity."""

    body: list[Layer]
    shortcut: list[Layer]


def conv(kernel: int, stride: int, inputs: int, outputs: int, relu: bool = True) -> Layer:
    return Layer("conv", kernel, stride, inputs, outputs, relu)


def up(inputs: int, outputs: int, relu: bool = True) -> Layer:
    return Layer("up", 2, 2, inputs, outputs, relu)


def ended(layers: list[Layer], signed: bool) -> list[Layer]:
    """Features of a signed teacher can be negative: a 1 x 1 convolution for the last ReLU."""
    if not signed:
        return layers
    last = layers[-1]
    head = Layer("head", 1, 1, last.outputs, last.outputs, relu=False)
    return [*layers[:-1], last._replace(relu=False), head]


def identity_layers(channels: int) -> list[Layer]:
    return [conv(3, 1, channels, channels), conv(1, 1, channels, channels)]


def bottleneck_projection(shape, depth: int) -> list[list[Layer]]:
    """Per stage: down along C_i .. C_3, 2 C_3 (, 2 C_3), `depth` times beyond C_3, and back up."""
    stages = []
    for number, own in enumerate(shape.channels):
        chain = [*shape.channels[number:], *[2 * shape.channels[2]] * depth]
        down = [conv(2, 2, a, b) for a, b in itertools.pairwise(chain)]
        back = [up(a, b) for a, b in itertools.pairwise(chain[::-1])]
        stages.append(ended(down + back or identity_layers(own), shape.signed))
    return stages


def inverted_projection(shape, expansion: int) -> list[list[Layer]]:
    """Per stage: 3 x 3, then a 1 x 1 to more channels and one back."""
    stages = []
    for c in shape.channels:
        layers = [conv(3, 1, c, c), conv(1, 1, c, expansion * c), conv(1, 1, expansion * c, c)]
        stages.append(ended(layers, shape.signed))
    return stages


def identity_projection(shape) -> list[list[Layer]]:
    return [ended(identity_layers(c), shape.signed) for c in shape.channels]


def block(shape, inputs: int, outputs: int, step: str) -> Block:
    """The teacher's kind of residual block; `step` is same, down or up."""

    def resampled(inputs: int, outputs: int, relu: bool) -> Layer:
        if step == "up":
            return up(inputs, outputs, relu)
        return conv(3, 2 if step == "down" else 1, inputs, outputs, relu)

    if shape.block == "bottleneck":
        width = outputs // shape.inner_divisor
        body = [conv(1, 1, inputs, width), resampled(width, width, relu=True)]
        body.append(conv(1, 1, width, outputs, relu=False))
    else:
        body = [resampled(inputs, outputs, relu=True), conv(3, 1, outputs, outputs, relu=False)]
    shortcut = {
        "up": [up(inputs, outputs, relu=False)],
        "down": [conv(1, 2, inputs, outputs, relu=False)],
        "same": [] if inputs == outputs else [conv(1, 1, inputs, outputs, relu=False)],
    }
    return Block(body, shortcut[step])


def bottleneck_layers(shape, sources: int) -> list[Any]:
    """first, second, third, embed. One source: the third stage is taken as it is."""
    one, two, three = (sources * c for c in shape.channels)
    last, embedding = shape.channels[2], 2 * shape.channels[2]
    return [
        [conv(3, 2, one, two), conv(3, 2, two, last)],
        [conv(3, 2, two, last)],
        [conv(3, 1, three, last)] if sources == 2 else [],
        [
            block(shape, 3 * last, embedding, "down"),
            block(shape, embedding, embedding, "same"),
            block(shape, embedding, embedding, "same"),
        ],
    ]


def decoder_layers(shape, decoder_blocks: str) -> list[Any]:
    """Stages from coarse to fine, then the heads of signed teachers in the same order."""
    counts = shape.blocks if decoder_blocks == "mirror" else (1, 1, 1)
    stages, inputs = [], 2 * shape.channels[2]
    for channels, count in zip(shape.channels[::-1], counts, strict=True):
        more = [block(shape, channels, channels, "same") for _ in range(count - 1)]
        stages.append([block(shape, inputs, channels, "up"), *more])
        inputs = channels
    heads = [[Layer("head", 1, 1, c, c, relu=False)] for c in shape.channels[::-1]]
    return [stages, heads if shape.signed else [[], [], []]]


def layers_of(shape, options) -> dict[str, Any]:
    """Of every part of a branch; an absent part has none."""
    filters = {
        "none": list,
        "identity": lambda: identity_projection(shape),
        "bottleneck": lambda: bottleneck_projection(shape, options.filter_depth),
    }
    amplifiers = {
        "none": list,
        "identity": lambda: identity_projection(shape),
        "inverted": lambda: inverted_projection(shape, options.expansion),
    }
    return {
        "filter": filters[options.filter](),
        "amplifier": amplifiers[options.amplifier](),
        "bottleneck": bottleneck_layers(shape, 1 if options.filter == "none" else 2),
        "decoder": decoder_layers(shape, options.decoder_blocks),
    }


def flat(nested) -> Iterator[Layer]:
    """All layers in order."""
    if isinstance(nested, Layer):
        yield nested
    else:
        for inner in nested:
            yield from flat(inner)


def parameters(nested) -> int:
    return sum(layer.parameters() for layer in flat(nested))


def macs(nested, side: int) -> tuple[int, int]:
    """Multiplications on a square map, and the side of what comes out."""
    if isinstance(nested, Layer):
        return nested.macs(side), nested.side_after(side)
    if isinstance(nested, Block):
        body, after = macs(nested.body, side)
        return body + macs(nested.shortcut, side)[0], after
    total = 0
    for inner in nested:
        more, side = macs(inner, side)
        total += more
    return total, side
