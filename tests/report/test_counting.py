"""Counts at the threshold and their exact intervals."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from dcrdf.report.counting import Proportion, count, found_by_kind, smallest_certifiable_rate


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_is_the_exact_binomial_one(counts):
    expected = binomtest(*counts).proportion_ci(confidence_level=0.95, method="exact")
    assert Proportion(*counts).interval == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_nothing_of_nothing_says_nothing():
    nothing = Proportion(0, 0)
    assert math.isnan(nothing.share)
    assert nothing.interval == (0.0, 1.0)


def test_alarms_lie_above_the_threshold(make_result):
    counts = count(make_result(good=[0.1, 0.5, 0.6], bad=[0.5, 0.51, 0.9, 0.2]))
    assert counts.false_alarms == Proportion(1, 3)
    assert counts.found == Proportion(2, 4)


def test_what_is_not_judged_is_neither_found_nor_rejected(make_result):
    result = make_result([0.1, 0.9], [0.9, 0.8, 0.1], not_judged={1: "dark", 2: "dark"})
    assert count(result).false_alarms == Proportion(0, 2)
    assert count(result).found == Proportion(1, 3)
    assert found_by_kind(result) == {"dent": Proportion(1, 3)}
    assert result.is_above.tolist() == [False, True, True, True, False]


def test_counts_of_categories_add_up(make_result):
    both = count(make_result([0.1], [0.9])) + count(make_result([0.9, 0.9], [0.1]))
    assert both.found == Proportion(1, 2)
    assert both.false_alarms == Proportion(2, 3)


def test_kinds_are_counted_apart(make_result):
    result = make_result([0.9], [0.9, 0.1, 0.8], kinds=["dent", "dent", "stain"])
    assert found_by_kind(result) == {"dent": Proportion(1, 2), "stain": Proportion(1, 1)}


def test_what_few_images_can_certify():
    assert smallest_certifiable_rate(8) == pytest.approx(0.3123, abs=1e-4)
    assert smallest_certifiable_rate(299) < 0.01 < smallest_certifiable_rate(298)
    assert smallest_certifiable_rate(0) == 1.0
