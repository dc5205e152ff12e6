import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcrdf.errors import UserError
from dcrdf.metrics import false_alarm_threshold
from dcrdf.metrics.threshold import images_needed


def rates(count, rate, confidence, repeats=4000):
    """The true false-alarm rates of thresholds from many validation splits of uniform scores."""
    rng = np.random.default_rng(0)
    results = [false_alarm_threshold(rng.random(count), rate, confidence) for _ in range(repeats)]
    return np.array([1.0 - result.threshold for result in results]), results[0]


@pytest.mark.parametrize(
    ("count", "rate", "confidence"), [(60, 0.05, 0.95), (100, 0.1, 0.9), (8, 0.01, 0.95)]
)
def test_rates_are_what_they_say(count, rate, confidence):
    true_rates, result = rates(count, rate, confidence)
    assert true_rates.mean() == pytest.approx(result.expected_rate, rel=0.06)
    assert np.mean(true_rates <= result.upper_rate) == pytest.approx(confidence, abs=0.02)
    if result.upper_rate <= rate:
        assert np.mean(true_rates <= rate) >= confidence - 0.02


def test_the_lowest_certified_score_is_taken():
    """Of 100 scores the 5th highest certifies 10 % at 95 %: Beta(5, 96) stays below 0.0894."""
    result = false_alarm_threshold(np.arange(100) / 100, 0.1)
    assert result.threshold == 0.95
    assert result.expected_rate == pytest.approx(5 / 101)
    assert result.upper_rate == pytest.approx(0.0892, abs=3e-4)
    assert result.upper_rate <= 0.1
    assert "5. highest score of 100 good validation images" in result.note


def test_eight_images_cannot_certify_one_percent():
    result = false_alarm_threshold(np.linspace(0.1, 0.8, 8), 0.01)
    assert result.threshold == 0.8
    assert result.validation_images == 8
    assert result.expected_rate == pytest.approx(1 / 9)
    assert result.upper_rate == pytest.approx(1 - 0.05 ** (1 / 8))
    assert result.note == (
        "8 good validation images cannot certify a false-alarm rate of 1 % (299 would be needed); "
        "the highest score is taken: expect 11.1 % false alarms, at most 31.2 % with 95 % "
        "confidence"
    )


@pytest.mark.parametrize("rate", [0.5, 0.1, 0.05, 0.01])
def test_images_needed_is_the_first_count_that_certifies(rate):
    needed = images_needed(rate)
    enough = false_alarm_threshold(np.arange(needed), rate)
    short = false_alarm_threshold(np.arange(needed - 1), rate)
    assert enough.upper_rate <= rate < short.upper_rate
    assert "cannot certify" in short.note
    assert "cannot certify" not in enough.note


def test_ties_raise_no_more_alarms_than_said():
    scores = np.random.default_rng(0).integers(0, 4, size=200).astype(float)
    result = false_alarm_threshold(scores, 0.1)
    assert np.mean(scores > result.threshold) <= result.expected_rate
    assert false_alarm_threshold(np.full(80, 0.5), 0.05).threshold == 0.5


def test_ties_keep_the_certificate():
    """Scores of few values: the true rate may only be lower than for continuous ones."""
    rng, shares = np.random.default_rng(0), np.array([0.5, 0.3, 0.15, 0.05])
    held = 0
    for _ in range(1000):
        result = false_alarm_threshold(rng.choice(4, size=100, p=shares).astype(float), 0.1, 0.9)
        held += shares[int(result.threshold) + 1 :].sum() <= 0.1
    assert held / 1000 >= 0.88


@given(
    scores=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=80),
    rate=st.floats(0.001, 0.999),
    confidence=st.floats(0.5, 0.999),
)
def test_always_one_of_the_scores_and_rates_in_order(scores, rate, confidence):
    result = false_alarm_threshold(scores, rate, confidence)
    assert result.threshold in scores
    assert 0 < result.expected_rate < 1
    assert 0 < result.upper_rate <= 1
    if result.upper_rate > rate:
        assert result.threshold == max(scores)
        assert "cannot certify" in result.note


@pytest.mark.parametrize(
    ("scores", "rate", "confidence", "message"),
    [
        ([], 0.05, 0.95, "validation_scores: is empty"),
        ([0.1, np.nan], 0.05, 0.95, "validation_scores: holds NaN"),
        ([0.1], 0.0, 0.95, "rate: 0.0"),
        ([0.1], 1.0, 0.95, "rate: 1.0"),
        ([0.1], float("nan"), 0.95, "rate: nan"),
        ([0.1], 0.05, 1.0, "confidence: 1.0"),
    ],
)
def test_bad_input(scores, rate, confidence, message):
    with pytest.raises(UserError, match=message):
        false_alarm_threshold(scores, rate, confidence)
