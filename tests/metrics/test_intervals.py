from statistics import NormalDist

import numpy as np
import pytest
from scipy.special import ndtri

from dcrdf.metrics.bootstrap import bootstrap, resample_weights
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


def auroc_by_pairs(good, defect):
    wins = [(d > g) + 0.5 * (d == g) for d in defect for g in good]
    return sum(wins) / len(wins)


def skewed(seed):
    """Few good and more defective images, each kind skewed its own way."""
    generator = np.random.default_rng(seed)
    good = generator.exponential(1.0, 5)
    return good.round(2), (3.0 - generator.exponential(1.5, 11)).round(2)


@pytest.mark.parametrize("seed", range(4))
def test_acceleration_of_good_and_defective_images(seed):
    """Davison and Hinkley (1997, 5.3.2): of a statistic of several samples, each drawn apart, a is
    sum of l^3 / n^3 over 6 (sum of l^2 / n^2)^1.5, with the jackknife's l = (n - 1)(t - t_-i)."""
    good, defect = skewed(seed)
    kinds = []
    for scores, auroc_with in (
        (good, lambda x: auroc_by_pairs(x, defect)),
        (defect, lambda x: auroc_by_pairs(good, x)),
    ):
        kinds.append([auroc_with(np.delete(scores, i)) for i in range(len(scores))])
    cubes = squares = 0.0
    for left_out in kinds:
        n = len(left_out)
        for value in left_out:
            share = (n - 1) * (sum(left_out) / n - value) / n
            cubes, squares = cubes + share**3, squares + share**2
    labels = np.r_[np.zeros(len(good), bool), np.ones(len(defect), bool)]
    found = _acceleration(np.concatenate(kinds), labels)
    assert found == pytest.approx(cubes / (6 * squares**1.5))
    assert abs(found) > 0.01


@pytest.mark.parametrize("seed", range(4))
def test_a_whole_interval_by_hand(seed):
    """Efron (1987) on image AUROCs of drawn images, from pairs and the standard library."""
    good, defect = skewed(seed)
    scores = np.r_[good, defect]
    labels = np.arange(16) >= 5
    maps, masks = np.zeros((16, 1, 1)), np.zeros((16, 1, 1), dtype=bool)
    result = bootstrap(maps, masks, scores, labels, resamples=400, seed=seed)
    drawn = []
    for weights in resample_weights(labels, 400, seed).astype(int):
        rows = np.repeat(np.arange(16), weights)
        drawn.append(auroc_by_pairs(*(scores[rows[labels[rows] == kind]] for kind in (0, 1))))
    estimate, normal = auroc_by_pairs(good, defect), NormalDist()
    below = np.mean(np.array(drawn) < estimate - 1e-9)
    below += 0.5 * np.mean(np.abs(np.array(drawn) - estimate) < 1e-9)
    bias = normal.inv_cdf(below)
    left_out = np.array(
        [auroc_by_pairs(np.delete(good, i), defect) for i in range(5)]
        + [auroc_by_pairs(good, np.delete(defect, i)) for i in range(11)]
    )
    influence = np.r_[
        4 / 5 * (left_out[:5].mean() - left_out[:5]), 10 / 11 * (left_out[5:].mean() - left_out[5:])
    ]
    acceleration = (influence**3).sum() / (6 * (influence**2).sum() ** 1.5)
    ends = []
    for share in (0.05, 0.95):
        shifted = bias + normal.inv_cdf(share)
        ends.append(normal.cdf(bias + shifted / (1 - acceleration * shifted)))
    interval = result.interval("i_auroc", 0.9)
    assert interval.estimate == pytest.approx(estimate)
    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(drawn, ends)))


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
