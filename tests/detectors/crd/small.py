"""Small shapes, random features, branches and networks of any options."""

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


def shape_of(signed=True):
    """Narrow stages of a teacher whose features can, or cannot, be negative."""
    return TeacherShape((4, 8, 12), "basic", (1, 1, 1), signed=signed)


def features_of(seed=0, count=2):
    """Random features of images of 64 px."""
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(count, c, SIDE // s, SIDE // s, generator=generator, dtype=torch.float64)
        for c, s in zip(shape_of().channels, shape_of().strides, strict=True)
    ]


def branch_of(signed=True, training=False, **options):
    """A branch of these options with random weights."""
    torch.manual_seed(0)
    return randomised(Branch(shape_of(signed), CrdOptions(**options)), training)


def network_of(signed=True, training=False, **options):
    """Both branches of these options with random weights."""
    torch.manual_seed(0)
    return randomised(CrdNetwork(shape_of(signed), CrdOptions(**options)), training)


def randomised(module, training):
    """Every weight and running statistic another one, so that nothing is 0 or 1 by chance."""
    generator = torch.Generator().manual_seed(7)
    module.double().train(training)
    for name, x in [*module.named_parameters(), *module.named_buffers()]:
        if x.is_floating_point() and "mixing" not in name:
            noise = torch.rand(x.shape, generator=generator, dtype=x.dtype)
            x.data = x.data + 0.2 * noise
    return module
