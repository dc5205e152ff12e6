"""Small shapes, random features, branches and networks of any options."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from dcrdf.config.detectors import CrdOptions
from dcrdf.detectors.crd.network import Branch, CrdNetwork
from dcrdf.networks.teacher import TeacherShape

SIDE = 64


class SmallTeacher(nn.Module):
    """Three stages at strides 4, 8, 16 with fixed random weights."""

    def __init__(self, shape):
        super().__init__()
        self.shape, self.name = shape, "small"
        generator = torch.Generator().manual_seed(1)
        self.weights = [torch.randn(c, 3, 4, 4, generator=generator) for c in shape.channels]

    def forward(self, images):
        raw = [
            functional.conv2d(functional.avg_pool2d(images, 2**stage), weight, stride=4)
            for stage, weight in enumerate(self.weights)
        ]
        return raw if self.shape.signed else [x.relu() for x in raw]


@pytest.fixture(scope="session")
def shape_of():
    """Narrow stages of a teacher whose features can, or cannot, be negative."""
    return lambda signed=True: TeacherShape((4, 8, 12), "basic", (1, 1, 1), signed=signed)


@pytest.fixture(scope="session")
def teacher_of(shape_of):
    """A teacher of that shape."""
    return lambda signed=True: SmallTeacher(shape_of(signed))


@pytest.fixture(scope="session")
def features_of(shape_of):
    """Random features of two images of 64 px."""

    def draw(seed=0, count=2, dtype=torch.float64):
        generator = torch.Generator().manual_seed(seed)
        return [
            torch.randn(count, c, SIDE // s, SIDE // s, generator=generator, dtype=dtype)
            for c, s in zip(shape_of().channels, shape_of().strides, strict=True)
        ]

    return draw


def randomised(module, training):
    """Every weight and running statistic another one, so that nothing is 0 or 1 by chance."""
    generator = torch.Generator().manual_seed(7)
    module.double().train(training)
    for name, x in [*module.named_parameters(), *module.named_buffers()]:
        if x.is_floating_point() and "mixing" not in name:
            noise = torch.rand(x.shape, generator=generator, dtype=x.dtype)
            x.data = x.data + 0.2 * noise
    return module


@pytest.fixture(scope="session")
def branch_of(shape_of):
    """A branch of these options with random weights."""

    def build(signed=True, training=False, **options):
        torch.manual_seed(0)
        return randomised(Branch(shape_of(signed), CrdOptions(**options)), training)

    return build


@pytest.fixture(scope="session")
def network_of(shape_of):
    """Both branches of these options with random weights."""

    def build(signed=True, training=False, **options):
        torch.manual_seed(0)
        return randomised(CrdNetwork(shape_of(signed), CrdOptions(**options)), training)

    return build
