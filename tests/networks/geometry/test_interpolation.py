"""Interpolation and place means against loops."""

import math

import numpy as np
import pytest
import torch

from dcrdf.networks.geometry import interpolation
from dcrdf.networks.geometry.interpolation import interpolated, place_means


def units(rng, count):
    vectors = rng.normal(size=(count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def scene():
    """Points, their normals, samples, theirs, and values, half a metre away."""
    rng = np.random.default_rng(0)
    shift = np.array([0.0, 0.0, 0.5])
    return (
        rng.uniform(0, 0.05, (40, 3)) + shift, units(rng, 40),
        rng.uniform(0, 0.05, (25, 3)) + shift, units(rng, 25), rng.normal(size=(25, 4)),
    )  # fmt: skip


def slow(points, normals, samples, sample_normals, values, within, sigma, sigma_normal):
    result, found = np.zeros((len(points), values.shape[1])), np.zeros(len(points), bool)
    for i, (p, n) in enumerate(zip(points, normals, strict=True)):
        order = sorted(range(len(samples)), key=lambda j: np.linalg.norm(samples[j] - p))[:8]
        total = 0.0
        for j in order:
            distance = np.linalg.norm(samples[j] - p)
            if distance < within:
                turned = np.linalg.norm(n - sample_normals[j])
                weight = math.exp(-((distance / sigma) ** 2) - (turned / sigma_normal) ** 2)
                result[i] += weight * values[j]
                total += weight
        if total > 0.0:
            result[i] /= total
            found[i] = True
    return result, found


@pytest.mark.parametrize("sigma_normal", [0.5, math.inf])
@pytest.mark.parametrize("chunk", [1, 60, 2**22])
@pytest.mark.parametrize("within", [0.012, 0.1])
def test_against_loops(scene, sigma_normal, chunk, within, monkeypatch):
    monkeypatch.setattr(interpolation, "CHUNK", chunk)
    expected, where = slow(*scene, within, 0.01, sigma_normal)
    found, near = interpolated(
        *(torch.from_numpy(x) for x in scene),
        within_m=within, sigma_m=0.01, sigma_normal=sigma_normal,
    )  # fmt: skip
    assert near.tolist() == where.tolist()
    assert where.all() == (within == 0.1)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_weights_that_vanish_in_float32_still_have_a_mean():
    points, normals = torch.tensor([[0.0, 0.0, 0.5]]), torch.tensor([[0.0, 0.0, -1.0]])
    samples = torch.tensor([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]])
    values = torch.tensor([[1.0], [3.0]])
    found, near = interpolated(
        points, normals, samples, normals.expand(2, 3), values, within_m=2.0, sigma_m=1e-2
    )
    assert near.all()
    assert found.item() == pytest.approx(2.0)


def test_without_samples_or_points_nothing_is_found():
    none, one = torch.zeros(0, 3), torch.ones(1, 3)
    for points, samples in ((one, none), (none, one), (none, none)):
        values = torch.ones(len(samples), 2)
        found, near = interpolated(
            points, points, samples, samples, values, within_m=1.0, sigma_m=1.0
        )
        assert found.shape == (len(points), 2)
        assert not found.any()
        assert not near.any()


def test_place_means_against_loops():
    rng = np.random.default_rng(0)
    values = torch.from_numpy(rng.normal(size=(2, 3, 6, 9)))
    given = torch.from_numpy(rng.random((2, 6, 9)) < 0.25)
    values[1, :, 0, 0] = 100.0
    given[1, 0, 0] = False
    means, any_given = place_means(values, given, 3)
    assert means.shape == (2, 3, 2, 3)
    for b, y, x in np.ndindex(2, 2, 3):
        block = (b, slice(3 * y, 3 * y + 3), slice(3 * x, 3 * x + 3))
        members = given[block].numpy()
        assert bool(any_given[b, y, x]) == members.any()
        kept = values[block[0], :, block[1], block[2]].numpy()[:, members]
        expected = kept.mean(axis=1) if members.any() else np.zeros(3)
        np.testing.assert_allclose(means[b, :, y, x], expected, atol=1e-12)
