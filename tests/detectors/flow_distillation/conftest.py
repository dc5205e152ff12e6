"""Detectors around a small made-up teacher, fitted on scans of noise with a disc as the part."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from dcrdf.config.detectors import FlowDistillationOptions
from dcrdf.config.options import TrainOptions
from dcrdf.detectors.flow_distillation.detector import FlowDistillation
from dcrdf.networks.teacher import TeacherShape
from dcrdf.tensors.scans import Scans
from dcrdf.training.loop import FitContext

CPU = torch.device("cpu")
SIDE = 64
TINY = {"student_channels": 8, "coupling_hidden": 8, "student_blocks": 1}


class SmallTeacher(nn.Module):
    """Three stages at strides 4, 8, 16 with fixed random weights."""

    def __init__(self):
        super().__init__()
        self.shape, self.name = TeacherShape((4, 8, 12), "basic", (1, 1, 1), signed=True), "small"
        generator = torch.Generator().manual_seed(1)
        self.weights = [torch.randn(c, 3, 4, 4, generator=generator) for c in (4, 8, 12)]

    def forward(self, images):
        return [
            functional.conv2d(functional.avg_pool2d(images, 2**stage) - 0.5, weight, stride=4)
            for stage, weight in enumerate(self.weights)
        ]


def make_scans(seed=0, count=5, radius=20, side=SIDE):
    """Smooth noise in both modalities; a disc is the part, higher than what lies around it."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (count, side // 4, side // 4, 3), np.uint8)
    y, x = np.mgrid[:side, :side] - side / 2
    disc = np.broadcast_to(np.hypot(x, y) < radius, (count, side, side)).copy()
    bumps = generator.random((count, side // 4, side // 4)).astype(np.float32)
    height = disc * (0.4 + 0.2 * bumps.repeat(4, axis=1).repeat(4, axis=2))
    everywhere = np.ones((count, side, side), np.bool_)
    return Scans(
        inside=everywhere,
        rgb=coarse.repeat(4, axis=1).repeat(4, axis=2),
        height=height.astype(np.float32),
        valid=everywhere,
        outline=disc,
        on_part=disc,
    )


def with_part(scans, outline):
    """The same scans with other outlines."""
    return replace(scans, outline=outline, on_part=outline)


def make_detector(seed=0, **options):
    """An untrained one."""
    torch.manual_seed(seed)
    return FlowDistillation(SmallTeacher(), FlowDistillationOptions(**{**TINY, **options}))


@pytest.fixture(scope="session")
def fit(tmp_path_factory):
    """Fit a detector of any options; batches of four and a last one of one."""

    def fit_options(scans=None, folder=None, announce=lambda *_: None, train=None, **options):
        detector = make_detector(**options)
        values = {"epochs": 2, "batch_size": 4, "cpu_threads": 1, "feature_cache_mb": 64}
        folder = folder or tmp_path_factory.mktemp("model")
        chosen = TrainOptions(**(values | (train or {})))
        context = FitContext(folder, 2, "r", chosen, CPU, announce=announce)
        given = make_scans() if scans is None else scans
        random_state = torch.get_rng_state()
        detector.fit(given, None, context)
        assert torch.equal(torch.get_rng_state(), random_state)
        return detector, context

    return fit_options


@pytest.fixture(scope="session")
def fitted(fit):
    """One with the defaults, tiny."""
    return fit()[0]
