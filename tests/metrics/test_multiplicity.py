"""Holm's rule against its definition, hypothesis by hypothesis."""

import math

from hypothesis import given
from hypothesis import strategies as st

from dcrdf.metrics.multiplicity import holm

P_VALUES = st.lists(st.floats(0.0, 1.0), max_size=12)


def rejected(p_values, level):
    """Holm (1979): go up the p-values, each against a level shared by those that are left; stop at
    the first that is too large."""
    out, waiting = set(), sorted(range(len(p_values)), key=lambda i: p_values[i])
    while waiting:
        first = waiting.pop(0)
        if p_values[first] * (len(waiting) + 1) > level:
            break
        out.add(first)
    return out


@given(P_VALUES, st.floats(0.001, 0.999))
def test_below_a_level_lie_those_that_the_rule_rejects(p_values, level):
    adjusted = holm(p_values)
    assert {i for i, p in enumerate(adjusted) if p <= level} == rejected(p_values, level)


@given(P_VALUES)
def test_never_below_the_value_itself_nor_above_one(p_values):
    assert all(p <= q <= 1.0 for p, q in zip(p_values, holm(p_values), strict=True))


def test_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == [0.03, 0.06, 0.06, 0.02]


def test_one_comparison_needs_no_correction():
    assert holm([0.03]) == [0.03]


def test_what_is_undefined_is_not_counted():
    adjusted = holm([0.02, math.nan, 0.03])
    assert adjusted[0] == 0.04
    assert math.isnan(adjusted[1])
    assert holm([]) == []
