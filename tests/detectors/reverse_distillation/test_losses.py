"""Losses and maps against plain arithmetic."""

import math

import pytest
import torch

from dcrdf.detectors.dcrdf_net.losses import denoising_loss, focal_loss
from dcrdf.detectors.reverse_distillation.losses import (
    anomaly_map,
    cosine_distances,
    distillation_loss,
)


def random_features(seed, batch=2):
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(batch, channels, size, size, generator=generator)
        for channels, size in ((4, 8), (6, 4), (8, 2))
    ]


def cosine(a, b):
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def test_flattened_distillation_is_the_cosine_of_whole_maps():
    own, target = random_features(0), random_features(1)
    expected = 0.0
    for x, y in zip(own, target, strict=True):
        per_image = [1 - cosine(x[i].flatten().tolist(), y[i].flatten().tolist()) for i in range(2)]
        expected += sum(per_image) / 2
    assert distillation_loss(own, target).item() == pytest.approx(expected, rel=1e-5)


def test_per_pixel_distillation_is_the_mean_of_the_distances():
    own, target = random_features(0), random_features(1)
    expected = sum(d.mean().item() for d in cosine_distances(own, target))
    assert distillation_loss(own, target, per_pixel=True).item() == pytest.approx(
        expected, rel=1e-5
    )


@pytest.mark.parametrize("per_pixel", [False, True])
def test_twins_share_their_targets(per_pixel):
    clean, one, other = random_features(0), random_features(1), random_features(2)
    both = [torch.cat(pair) for pair in zip(one, other, strict=True)]
    parts = [distillation_loss(x, clean, per_pixel).item() for x in (one, other)]
    assert distillation_loss(both, clean, per_pixel).item() == pytest.approx(sum(parts) / 2)
    parts = [denoising_loss(x, clean).item() for x in (one, other)]
    assert denoising_loss(both, clean).item() == pytest.approx(sum(parts) / 2)


def test_distance_at_a_position():
    own, target = random_features(2), random_features(3)
    distance = cosine_distances(own, target)[1]
    expected = 1 - cosine(own[1][0, :, 2, 3].tolist(), target[1][0, :, 2, 3].tolist())
    assert distance[0, 2, 3].item() == pytest.approx(expected, rel=1e-5)


def test_equal_features_have_no_loss_and_an_empty_map():
    features = random_features(4)
    assert distillation_loss(features, features).item() == pytest.approx(0.0, abs=1e-6)
    assert denoising_loss(features, features).item() == 0.0
    assert anomaly_map(cosine_distances(features, features), (16, 16)).max().item() < 1e-6


def test_map_averages_stages_and_is_clipped():
    constant = [torch.full((1, 4, 4), 0.25), torch.full((1, 2, 2), 0.75)]
    assert torch.allclose(anomaly_map(constant, (8, 8)), torch.full((1, 8, 8), 0.5))
    assert anomaly_map([torch.full((1, 2, 2), 1.9)], (4, 4)).max().item() == 1.0


def test_focal_loss_by_hand():
    p = torch.tensor([[[0.9, 0.2]]])
    mask = torch.tensor([[[True, False]]])
    positive = -0.75 * (1 - 0.9) ** 2 * math.log(0.9)
    negative = -0.25 * 0.2**2 * math.log(1 - 0.2)
    expected = (positive + negative) / 2
    assert focal_loss(p, mask, gamma=2.0, alpha=0.75).item() == pytest.approx(expected, rel=1e-5)


def test_focal_loss_is_finite_at_the_ends():
    p = torch.tensor([[[0.0, 1.0]]], requires_grad=True)
    loss = focal_loss(p, torch.tensor([[[True, False]]]), gamma=2.0, alpha=0.75)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(p.grad).all()
