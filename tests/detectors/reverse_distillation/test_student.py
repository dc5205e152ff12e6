"""How large the students are, counted by hand from their description (docs/method.md, section 4).

A basic block is two 3 x 3 convolutions, a bottleneck 1 x 1, 3 x 3, 1 x 1 with an inner width of a
quarter of its outputs, in the wide ResNet half of them. Going up, a 2 x 2 transposed convolution
takes the place of the first 3 x 3 one and of the shortcut. Every convolution has a batch norm.
"""

import hashlib

import pytest
import torch

from dcrdf.detectors.reverse_distillation.student import OneClassBottleneck, Student
from dcrdf.networks.residual import ResidualBlock
from dcrdf.networks.teacher import TEACHERS, TeacherShape

DECODERS = {"resnet18": 3_703_168, "resnet50": 15_821_824, "wide_resnet50_2": 24_917_504}
"""Without the heads of signed teachers. The last is the released networks' of wide ResNets."""
BLOCKS = {"resnet18": (2, 2, 2), "resnet50": (3, 4, 6), "wide_resnet50_2": (3, 4, 6),
          "efficientnet_lite0": (2, 2, 2)}  # fmt: skip
"""Of the decoder's stages, the one beside the embedding first."""
WIDTHS = {"resnet18": (256, 128, 64), "resnet50": (1024, 512, 256),
          "wide_resnet50_2": (1024, 512, 256), "efficientnet_lite0": (112, 40, 24)}  # fmt: skip
INNER = {"resnet50": 4, "wide_resnet50_2": 2}


def on_meta(name, blocks="mirror"):
    """A student of the teacher without memory for its weights."""
    with torch.device("meta"):
        return Student(TEACHERS[name], blocks)


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


def conv(kernel, inputs, outputs):
    """A convolution without bias and its batch norm."""
    return kernel**2 * inputs * outputs + 2 * outputs


def basic(inputs, outputs, step):
    if step == "up":
        return 2 * conv(2, inputs, outputs) + conv(3, outputs, outputs)
    shortcut = conv(1, inputs, outputs) if step == "down" else 0
    return conv(3, inputs, outputs) + conv(3, outputs, outputs) + shortcut


def bottleneck(inputs, outputs, step, divisor):
    inner = outputs // divisor
    middle = conv(2 if step == "up" else 3, inner, inner)
    shortcut = {"up": conv(2, inputs, outputs), "down": conv(1, inputs, outputs), "same": 0}[step]
    return conv(1, inputs, inner) + middle + conv(1, inner, outputs) + shortcut


def block(name, inputs, outputs, step="same"):
    if name in INNER:
        return bottleneck(inputs, outputs, step, INNER[name])
    return basic(inputs, outputs, step)


@pytest.mark.parametrize("name", list(WIDTHS))
def test_decoder(name):
    decoder = on_meta(name).decoder
    expected, inputs = 0, 2 * WIDTHS[name][0]
    for width, count in zip(WIDTHS[name], BLOCKS[name], strict=True):
        expected += block(name, inputs, width, "up") + (count - 1) * block(name, width, width)
        inputs = width
    assert size(decoder.stages) == expected
    assert expected == DECODERS.get(name, expected)
    heads = sum(width**2 + width for width in WIDTHS[name]) if "lite" in name else 0
    assert size(decoder.heads) == heads


@pytest.mark.parametrize("name", list(WIDTHS))
def test_blocks_of_the_decoders_stages(name):
    stages = on_meta(name).decoder.stages
    blocks = [[x for x in stage if isinstance(x, ResidualBlock)] for stage in stages]
    assert tuple(len(stage) for stage in blocks) == BLOCKS[name]
    assert tuple(len(stage) for stage in on_meta(name, "light").decoder.stages) == (1, 1, 1)
    for stage, width in zip(blocks, WIDTHS[name], strict=True):
        for one in stage:
            convolutions = [x for x in one.body if hasattr(x, "kernel_size")]
            assert convolutions[-1].out_channels == width
            if name in INNER:
                assert [x.kernel_size[0] for x in convolutions] in ([1, 3, 1], [1, 2, 1])
                assert convolutions[1].in_channels == width // INNER[name]
            else:
                assert [x.kernel_size[0] for x in convolutions] in ([3, 3], [2, 3])


@pytest.mark.parametrize("name", list(WIDTHS))
def test_bottleneck(name):
    """Two and one 3 x 3 convolutions of stride 2, a 1 x 1 one that joins, three blocks."""
    third, second, first = WIDTHS[name]
    between = min(2 * first, third)
    expected = {
        "first": conv(3, first, between) + conv(3, between, third),
        "second": conv(3, second, third),
        "fuse": conv(1, 3 * third, third),
        "embed": block(name, third, 2 * third, "down") + 2 * block(name, 2 * third, 2 * third),
    }
    part = on_meta(name).bottleneck
    assert {key: size(getattr(part, key)) for key in expected} == expected
    assert size(part) == sum(expected.values())


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "wide_resnet50_2"])
def test_decoders_blocks_are_as_wide_inside_as_the_teachers(name):
    """What `mirror` means, read off the teacher's own layers."""
    from dcrdf.networks.teacher import Teacher

    with torch.device("meta"):
        teacher = Teacher(name)
    inner = [stage[-1].conv1.out_channels for stage in list(teacher.stages)[1:]]
    decoder = on_meta(name).decoder.stages
    ours = [stage[-1].body[0].out_channels for stage in (decoder[1], decoder[0])]
    assert ours == inner


@pytest.mark.parametrize("name", list(WIDTHS))
@pytest.mark.parametrize("sources", [1, 2])
def test_bottleneck_of_several_sources_without_squeeze(name, sources):
    """Reverse distillation's: the teacher's widths, and blocks that read all three parts."""
    third, second, first = WIDTHS[name]
    with torch.device("meta"):
        part = OneClassBottleneck(TEACHERS[name], sources, squeeze=False)
    expected = {
        "first": conv(3, sources * first, sources * second) + conv(3, sources * second, third),
        "second": conv(3, sources * second, third),
        "third": 0 if sources == 1 else conv(3, sources * third, third),
        "fuse": 0,
        "embed": block(name, 3 * third, 2 * third, "down") + 2 * block(name, 2 * third, 2 * third),
    }
    assert {key: size(getattr(part, key)) for key in expected} == expected
    features = [
        torch.empty(2, sources * width, side, side, device="meta")
        for width, side in zip((first, second, third), (16, 8, 4), strict=True)
    ]
    assert part(features).shape == (2, 2 * third, 2, 2)


PINNED = {
    "lite0": (TEACHERS["efficientnet_lite0"], "05885ba77de91c32", "d6930d3cd3ef3dc9"),
    "wide": (
        TeacherShape((8, 16, 32), "bottleneck", (3, 4, 6), signed=False, inner_divisor=2),
        "966f6356d8a1ff51",
        "d4622b6c74342fd9",
    ),
}
"""Drawn weights and, to a millionth, outputs of the student as it was with one source alone."""


def digest(parts):
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


@pytest.mark.parametrize("case", list(PINNED))
def test_the_student_of_one_source_is_what_it_was(case):
    shape, weights, outputs = PINNED[case]
    torch.manual_seed(0)
    student = Student(shape)
    state = student.state_dict().items()
    assert digest(key.encode() + x.numpy().tobytes() for key, x in state) == weights
    generator = torch.Generator().manual_seed(1)
    features = [
        torch.rand(2, width, 64 // stride, 64 // stride, generator=generator, dtype=torch.float64)
        for width, stride in zip(shape.channels, shape.strides, strict=True)
    ]
    found = student.double()(features)
    rounded = [(x.detach() * 1e6).round().to(torch.int64).numpy().tobytes() for x in found]
    assert digest(rounded) == outputs
