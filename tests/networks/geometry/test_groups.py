"""Farthest points and groups against loops."""

import numpy as np
import pytest
import torch

from dcrdf.networks.geometry import groups as module
from dcrdf.networks.geometry.groups import farthest_points, groups


@pytest.fixture
def points():
    return torch.from_numpy(np.random.default_rng(0).normal(size=(60, 3)))


def test_each_point_is_farthest_from_those_before(points):
    cloud, expected = points.numpy(), [0]
    while len(expected) < 20:
        apart = [min(np.linalg.norm(cloud[i] - cloud[j]) for j in expected) for i in range(60)]
        expected.append(int(np.argmax(apart)))
    assert farthest_points(points, 20).tolist() == expected
    assert sorted(farthest_points(points, 100).tolist()) == list(range(60))
    assert farthest_points(points[:0], 5).tolist() == []


@pytest.mark.parametrize("chunk", [1, 150, 2**22])
def test_a_group_is_the_nearest_points_less_the_centre(points, chunk, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", chunk)
    centres = points[::7] + 0.1
    found = groups(points, centres, 8)
    for centre, group in zip(centres.numpy(), found.numpy(), strict=True):
        nearest = sorted(points.numpy(), key=lambda point: np.linalg.norm(point - centre))[:8]
        np.testing.assert_allclose(group, np.array(nearest) - centre, atol=1e-12)
    assert groups(points[:5], centres, 8).shape == (9, 5, 3)
