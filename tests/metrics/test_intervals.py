import numpy as np
import pytest
from scipy.special import ndtri

from dcrdf.metrics.bootstrap import bootstrap
from dcrdf.metrics.intervals import (
    _acceleration,
    bca_interval,
    percentile_interval,
    two_sided_p_value,
)

NAN = float("nan")


def test_percentile_interval():
    interval = percentile_interval(0.5, np.linspace(0, 1, 101), 0.9)
    assert (interval.low, interval.high) == (pytest.approx(0.05), pytest.approx(0.95))


def test_undefined_resamples_are_left_out():
    resampled = np.array([0.2, NAN, 0.4, NAN, 0.6])
    assert percentile_interval(0.4, resampled, 0.5).low == pytest.approx(0.3)
    assert np.isnan(percentile_interval(0.4, np.array([NAN]), 0.5).low)
    assert np.isnan(percentile_interval(NAN, resampled, 0.5).high)


def test_acceleration_is_the_skewness_of_single_influences():
    """For a mean of one kind of images it is skewness / (6 sqrt(n)) (Efron 1987)."""
    values = np.random.default_rng(0).exponential(size=50)
    left_out = (values.sum() - values) / 49
    centred = values - values.mean()
    expected = (centred**3).sum() / (6 * (centred**2).sum() ** 1.5)
    assert _acceleration(left_out, np.zeros(50, dtype=bool)) == pytest.approx(expected)


def test_symmetric_resamples_need_no_correction():
    resampled = np.linspace(-1, 1, 2001)
    left_out, labels = np.array([-0.1, 0.1, -0.1, 0.1]), np.array([0, 0, 1, 1], dtype=bool)
    bca = bca_interval(0.0, resampled, left_out, labels)
    plain = percentile_interval(0.0, resampled)
    assert (bca.low, bca.high) == pytest.approx((plain.low, plain.high), abs=2e-3)


def test_bias_moves_the_interval_against_it():
    """Resamples N(0.3, 1) of the estimate 0: both ends move by twice the bias, 0.6."""
    resampled = 0.3 + ndtri((np.arange(4000) + 0.5) / 4000)
    bca = bca_interval(0.0, resampled, np.zeros(4), np.array([0, 0, 1, 1], dtype=bool))
    assert bca.low == pytest.approx(0.3 - 1.96 - 0.6, abs=0.02)
    assert bca.high == pytest.approx(0.3 + 1.96 - 0.6, abs=0.02)


@pytest.mark.parametrize(
    ("estimate", "left_out"), [(2.0, np.zeros(4)), (0.0, np.array([0.1, NAN, 0.2, 0.1]))]
)
def test_falls_back_to_percentiles(estimate, left_out):
    resampled, labels = np.linspace(-1, 1, 101), np.array([0, 0, 1, 1], dtype=bool)
    plain = percentile_interval(estimate, resampled)
    assert bca_interval(estimate, resampled, left_out, labels) == plain


def test_p_value():
    assert two_sided_p_value(np.full(99, 0.1)) == pytest.approx(0.02)
    assert two_sided_p_value(np.array([-0.1, 0.1] * 50)) == 1.0
    assert two_sided_p_value(np.r_[np.full(10, -1.0), np.full(89, 1.0)]) == pytest.approx(0.22)
    assert np.isnan(two_sided_p_value(np.array([NAN])))


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """I-AUROC of two normal classes 1.2 apart is Phi(1.2 / sqrt 2) = 0.8019; 95 % intervals."""
    rng, labels = np.random.default_rng(0), np.arange(80) >= 20
    maps, masks = np.zeros((80, 1, 1)), np.zeros((80, 1, 1), dtype=bool)
    held = 0
    for seed in range(200):
        scores = rng.normal(size=80) + 1.2 * labels
        result = bootstrap(maps, masks, scores, labels, resamples=300, seed=seed)
        interval = result.interval("i_auroc")
        held += interval.low <= 0.8019 <= interval.high
    assert 0.90 <= held / 200 <= 0.99
