"""What is watched of a gate while degraded scans are scored."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from dcrdf.config.detectors import MemoryBankOptions
from dcrdf.config.options import InferOptions, PrepareOptions
from dcrdf.detectors.maps import Maps
from dcrdf.preparation.image import PreparedImage
from dcrdf.robustness import scored
from dcrdf.robustness.scored import score_degraded
from dcrdf.scoring.scorer import Scorer

SIDE, COUNT = 16, 3


class Red(nn.Module):
    """Stands for a gate: it weighs colour by how red a pixel is."""

    def forward(self, rgb):
        return rgb[:, 0]


class Gated:
    """A detector with a gate, which has learnt scans in some orientations."""

    options = MemoryBankOptions()
    silences_background = frozenset()

    def __init__(self, orientations):
        self.orientations, self.colour_weight = orientations, Red()

    def for_inference(self):
        return self

    def to(self, _device):
        return self

    def maps(self, batch):
        own = {name: x[:, 0] for name, x in batch.images.items()}
        if len(own) < 2:
            return Maps(own=own)
        weight = self.colour_weight(batch.rgb)
        return Maps(own=own, joint={"gated": weight * own["rgb"] + (1 - weight) * own["depth"]})


@pytest.fixture
def images():
    """Prepared scans of noise."""
    generator = np.random.default_rng(0)
    everywhere = np.ones((SIDE, SIDE), bool)
    return [
        PreparedImage(
            generator.integers(0, 256, (SIDE, SIDE, 3), np.uint8),
            generator.random((SIDE, SIDE), np.float32),
            *[everywhere] * 3,
        )
        for _ in range(COUNT)
    ]


@pytest.fixture
def part():
    """In one corner, so that it lies elsewhere in any other orientation."""
    mask = np.zeros((SIDE, SIDE), bool)
    mask[1:5, 2:9] = True
    return mask


@pytest.fixture
def weight_on(images, part, monkeypatch):
    """What `score_degraded` says of the gate of a detector that is asked in some orientations."""

    def prepared(_model, samples, *_):
        for number in samples:
            sample = SimpleNamespace(is_good=number > 0, gt=part)
            yield images[number], scored.TestScan(sample, np.s_[:, :], part, part)

    def of(orientations, degradation=None, fusion="gated"):
        monkeypatch.setattr(scored, "_prepared", prepared)
        options = InferOptions(fusion=fusion, blur_sigma_px=0.0, orientations=8, batch_size=2)
        scorer = Scorer(Gated(orientations), options, None, torch.device("cpu"))
        thresholds = {name: {"threshold": 0.5} for name in ("fused", "rgb", "depth")}
        model = SimpleNamespace(
            scorer=scorer, options=PrepareOptions(), fitted_thresholds=thresholds
        )
        return score_degraded(model, range(COUNT), degradation, 0).gate_weight

    return of


@pytest.mark.parametrize("orientations", [(0,), (3,), (0, 1), tuple(range(8))])
def test_the_weight_is_that_on_the_part_in_whatever_orientation_it_was_asked(
    weight_on, images, part, orientations
):
    expected = np.mean([image.rgb[..., 0][part].mean() / 255 for image in images])
    assert weight_on(orientations) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("degradation", ["depth_absent", "rgb_absent"])
def test_a_gate_that_is_not_asked_weighs_nothing(weight_on, degradation):
    assert weight_on((0, 1), degradation) is None


def test_a_gate_that_does_not_fuse_is_not_watched(weight_on):
    """It answers all the same, since it is a part of the network."""
    assert weight_on((0,), fusion="avg") is None
