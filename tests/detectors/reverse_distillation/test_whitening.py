"""Whitened residuals against numpy's Mahalanobis distance."""

import numpy as np
import pytest
import torch

from dcrdf.detectors.reverse_distillation.whitening import (
    SHRINKAGE,
    ResidualMoments,
    ResidualWhitening,
    residuals,
)

CHANNELS = 6


def features(seed, count=4):
    generator = torch.Generator().manual_seed(seed)
    scale = torch.linspace(0.2, 3.0, CHANNELS).view(1, -1, 1, 1)
    return torch.rand(count, CHANNELS, 5, 7, generator=generator) * scale


def fitted(student, teacher):
    moments = ResidualMoments(CHANNELS, torch.device("cpu"))
    values = residuals(student, teacher).reshape(-1, CHANNELS)
    for part in values.split(11):
        moments.add(part)
    whitening = ResidualWhitening(CHANNELS)
    whitening.fit(moments)
    return whitening, values.double().numpy()


def test_squared_residual_is_twice_the_cosine_distance():
    student, teacher = features(0), features(1)
    cosine = torch.nn.functional.cosine_similarity(student, teacher, dim=1)
    torch.testing.assert_close(residuals(student, teacher).pow(2).sum(-1), 2 * (1 - cosine))


def test_length_is_mahalanobis():
    whitening, values = fitted(features(0), features(1))
    mean, covariance = values.mean(axis=0), np.cov(values.T, bias=True)
    spread = np.trace(covariance) / CHANNELS
    shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * spread * np.eye(CHANNELS)
    student, teacher = features(2, 1), features(3, 1)
    new = residuals(student, teacher).reshape(-1, CHANNELS).double().numpy() - mean
    squares = np.einsum("ni,ij,nj->n", new, np.linalg.inv(shrunk), new)
    old = values - mean
    usual = np.einsum("ni,ij,nj->n", old, np.linalg.inv(shrunk), old).mean()
    expected = np.sqrt(squares / usual)
    given = whitening(residuals(student, teacher)).flatten().numpy()
    np.testing.assert_allclose(given, expected, rtol=1e-3)


@pytest.mark.parametrize("decay", [1.0, 0.5, 0.1])
def test_lengths_have_a_mean_square_of_one_whatever_the_spectrum(decay):
    """Stages are averaged: one whose errors lie in few directions must not count less."""
    generator = np.random.default_rng(1)
    values = torch.from_numpy(
        generator.normal(size=(400, CHANNELS)) * decay ** np.arange(CHANNELS) + 0.3
    )
    moments = ResidualMoments(CHANNELS, torch.device("cpu"))
    moments.add(values)
    whitening = ResidualWhitening(CHANNELS)
    whitening.fit(moments)
    assert whitening(values.float()).square().mean().item() == pytest.approx(1.0, rel=1e-4)


def test_usual_errors_count_less_than_rare_ones_of_the_same_size():
    """The reason for all this: two errors of equal cosine distance, one of them everyday."""
    generator = np.random.default_rng(0)
    usual, rare = np.eye(CHANNELS)[0], np.eye(CHANNELS)[1]
    values = 0.3 * generator.normal(size=(500, 1)) * usual + 0.01 * generator.normal(
        size=(500, CHANNELS)
    )
    moments = ResidualMoments(CHANNELS, torch.device("cpu"))
    moments.add(torch.from_numpy(values))
    whitening = ResidualWhitening(CHANNELS)
    whitening.fit(moments)
    lengths = [
        np.linalg.norm(0.3 * direction @ whitening.transform.numpy()) for direction in (usual, rare)
    ]
    assert lengths[1] > 2 * lengths[0]


@pytest.mark.parametrize("count", [0, 1])
def test_without_residuals_lengths_stay_finite(count):
    moments = ResidualMoments(CHANNELS, torch.device("cpu"))
    moments.add(torch.zeros(count, CHANNELS))
    whitening = ResidualWhitening(CHANNELS)
    whitening.fit(moments)
    assert torch.isfinite(whitening(residuals(features(0), features(1)))).all()


def test_shrinkage_by_hand():
    """Errors along one of two channels alone: of the mean variance, 0.5, 0.3 goes to each, so that
    an error in the direction that good images never show is sqrt(0.85 / 0.15) times as long."""
    values = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64)
    moments = ResidualMoments(2, torch.device("cpu"))
    moments.add(values)
    whitening = ResidualWhitening(2)
    whitening.fit(moments)
    usual, never = whitening(torch.eye(2)).tolist()
    assert never / usual == pytest.approx((0.85 / 0.15) ** 0.5, rel=1e-5)
