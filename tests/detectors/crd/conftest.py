"""A made-up teacher, scans of noise, and branches of random weights."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from dcrdf.config.detectors import CrdOptions
from dcrdf.config.options import TrainOptions
from dcrdf.detectors.crd.detector import Crd
from dcrdf.detectors.crd.network import CrdNetwork
from dcrdf.networks.teacher import TeacherShape
from dcrdf.tensors.scans import Scans
from dcrdf.training.features import teacher_features
from dcrdf.training.loop import FitContext

from . import layers, oracle

CPU = torch.device("cpu")
SIDE = 64
SHAPES = {
    "resnet": TeacherShape((4, 8, 16), "bottleneck", (2, 1, 3), signed=False),
    "wide": TeacherShape((4, 8, 16), "bottleneck", (1, 2, 1), signed=False, inner_divisor=2),
    "signed": TeacherShape((4, 6, 10), "basic", (2, 1, 2), signed=True),
}
"""Channels need not double from stage to stage."""
DEFAULTS = {
    "filter": "bottleneck",
    "filter_depth": 1,
    "amplifier": "inverted",
    "expansion": 2,
    "mixing": "between",
    "stop_gradient": "output",
    "absent": "cycle",
    "modality_dropout": 0.0,
    "distance": "flattened",
    "decoder_blocks": "mirror",
    "augment": "none",
}
"""The method's options and their defaults."""


class SmallTeacher(nn.Module):
    """Three stages at strides 4, 8, 16 with fixed random weights."""

    def __init__(self, shape):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.shape = shape
        self.weights = [torch.randn(c, 3, 4, 4, generator=generator) for c in shape.channels]

    def forward(self, images):
        stages = [
            functional.conv2d(functional.avg_pool2d(images, 2**stage) - 0.5, weight, stride=4)
            for stage, weight in enumerate(self.weights)
        ]
        return stages if self.shape.signed else [(x + 0.5).relu() for x in stages]


def make_options(**changes):
    """Options for the oracle alone."""
    return SimpleNamespace(**{**DEFAULTS, **changes})


def make_scans(seed=0, count=4):
    """Smooth noise in both modalities, a disc as the part."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (count, 16, 16, 3), np.uint8)
    height = generator.random((count, 16, 16)).astype(np.float32)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    everywhere = np.ones((count, SIDE, SIDE), np.bool_)
    return Scans(
        inside=everywhere,
        rgb=coarse.repeat(4, axis=1).repeat(4, axis=2),
        height=height.repeat(4, axis=1).repeat(4, axis=2),
        valid=everywhere,
        outline=np.broadcast_to(np.hypot(x, y) < 24, everywhere.shape),
        on_part=everywhere,
    )


def make_parts(shape, options, seed):
    """Random weights of a branch, as `oracle.parts_of` gives them."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*size, scale=1.0):
        return scale * torch.randn(*size, generator=generator, dtype=torch.float64)

    def tensors(layer):
        pair = (layer.inputs, layer.outputs)
        fan_in = layer.inputs * layer.kernel**2
        order = pair if layer.kind == "up" else pair[::-1]
        weight = normal(*order, layer.kernel, layer.kernel, scale=fan_in**-0.5)
        outputs = layer.outputs
        if layer.kind == "head":
            return [weight, normal(outputs, scale=0.1)]
        spread = [1.0 + normal(outputs, scale=0.2).clamp(-0.8, 0.8) for _ in range(2)]
        middle = [normal(outputs, scale=0.1) for _ in range(2)]
        return [weight, spread[0], middle[0], middle[1], spread[1]]

    parts = {
        name: [x for layer in layers.flat(nested) for x in tensors(layer)]
        for name, nested in layers.layers_of(shape, options).items()
    }
    if options.amplifier != "none":
        parts[oracle.MIXING] = normal(3, 2)
    return parts


def make_features(shape, seed, count=2, side=SIDE):
    """Random teacher features of one modality."""
    generator = torch.Generator().manual_seed(seed)
    stages = [
        torch.randn(
            (count, c, side // stride, side // stride), generator=generator, dtype=torch.float64
        )
        for c, stride in zip(shape.channels, shape.strides, strict=True)
    ]
    return stages if shape.signed else [(x + 0.5).relu() for x in stages]


def scrambled(network, seed):
    """Every weight and statistic of a network made random, in place, as far as it can score."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, x in network.state_dict().items():
            if not x.is_floating_point():
                continue
            noise = torch.randn(x.shape, generator=generator)
            if name.endswith(oracle.MIXING):
                x.copy_(noise)
            elif name.endswith("running_var"):
                x.copy_(0.5 + noise.square())
            elif x.ndim == 1:
                x.add_(0.1 * noise)
            else:
                x.add_(0.3 * x.std() * noise)
    return network


@pytest.fixture(scope="session")
def crd():
    """The package's classes."""

    def detector(shape, seed=0, **changes):
        torch.manual_seed(seed)
        made = Crd(SmallTeacher(SHAPES[shape]), CrdOptions(**changes))
        scrambled(made.network, seed).eval()
        return made

    return SimpleNamespace(Network=CrdNetwork, Options=CrdOptions, detector=detector)


@pytest.fixture
def features_of():
    """A detector and scans -> the teacher's features by modality, in float64."""

    def features(detector, scans):
        given = teacher_features(detector.teacher, scans, CPU)
        return {name: [x.double() for x in given.of(name)] for name in ("rgb", "depth")}

    return features


@pytest.fixture
def make_fit(tmp_path):
    """Fit a detector on scans; returns the context, whose `losses` are the log."""

    def fit(detector, scans, folder="run", seed=3, announce=lambda *_: None, **train):
        values = {"epochs": 1, "batch_size": 4, "schedule": "exponential", "decay": 0.95}
        values |= {"cpu_threads": 1, "precision": "float32", **train}
        options = TrainOptions(**values)
        context = FitContext(tmp_path / folder, seed, "r", options, CPU, announce=announce)
        context.folder.mkdir(exist_ok=True)
        detector.fit(scans, None, context)
        return context

    return fit
