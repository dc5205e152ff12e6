"""The teacher's features are the same bits from a cache, computed anew, and under autocast."""

import numpy as np
import pytest
import torch

from dcrdf.detectors.dcrdf_net.losses import denoising_loss, focal_loss
from dcrdf.detectors.reverse_distillation.losses import distillation_loss
from dcrdf.networks.teacher import Teacher
from dcrdf.tensors.scans import Scans
from dcrdf.training.features import FeatureSource

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def teacher():
    torch.manual_seed(0)
    return Teacher("resnet18")


@pytest.mark.parametrize("autocast", [False, True])
def test_cached_and_computed_features_are_the_same_bits(teacher, autocast):
    generator = np.random.default_rng(0)
    rgb = generator.integers(0, 256, (3, 64, 64, 3), np.uint8)
    depth = generator.random((3, 64, 64), np.float32)
    scans = Scans(inside=np.ones(depth.shape, bool), rgb=rgb, height=depth)
    cached, computed = (FeatureSource(teacher, scans, CPU, mb) for mb in (1e6, 0.0))
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        one, other = (source.rows(np.array([2, 0])) for source in (cached, computed))
    for x, y in zip(one.rgb + one.depth, other.rgb + other.depth, strict=True):
        assert x.dtype == y.dtype == torch.float32
        # Rows of another batch may take another kernel: the last bits of sums are not the point.
        torch.testing.assert_close(x, y, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("loss", [
    lambda x, y: denoising_loss([x], [y]),
    lambda x, y: distillation_loss([x], [y]),
    lambda x, y: distillation_loss([x], [y], per_pixel=True),
    lambda x, y: focal_loss(x.abs() / 8, y > 0, 2.0, 0.75),
])  # fmt: skip
def test_losses_of_halves_are_computed_in_single_precision(loss):
    """A mean of many squares in bfloat16 has two digits."""
    torch.manual_seed(0)
    own, target = (torch.randn(2, 8, 16, 16).bfloat16() for _ in range(2))
    with torch.autocast("cpu", torch.bfloat16):
        given = loss(own, target)
    assert given.dtype == torch.float32
    torch.testing.assert_close(given, loss(own.float(), target.float()), rtol=1e-5, atol=1e-6)
