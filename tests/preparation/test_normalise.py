import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcrdf.errors import UserError
from dcrdf.preparation.normalise import PreparationConstants, height_range_m, normalise

CONSTANTS = PreparationConstants("part", -0.001, 0.009, (0.0, 0.0, -1.0, 0.5))


def test_the_range_is_the_percentiles():
    heights_m = np.linspace(0.0, 0.1, 1001).astype(np.float32)
    assert height_range_m(heights_m, 1.0, 99.0, 0.005) == pytest.approx((0.001, 0.099))


def test_a_flat_part_gets_the_smallest_span_around_it():
    low_m, high_m = height_range_m(np.full(100, 0.002, np.float32), 1.0, 99.0, 0.005)
    assert (low_m, high_m) == pytest.approx((-0.0005, 0.0045))


@given(st.floats(-1.0, 1.0, width=32))
def test_normalised_height_is_linear_and_clipped(height_m):
    found = normalise(np.array([height_m], np.float32), -0.001, 0.009)
    expected = min(max((height_m + 0.001) / 0.01, -1.0), 2.0)
    assert found.dtype == np.float32
    assert found[0] == pytest.approx(expected, abs=1e-5)


def test_constants_survive_json():
    assert PreparationConstants.from_dict(json.loads(json.dumps(CONSTANTS.to_dict()))) == CONSTANTS


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "flat"},
        {"mode": None},
        {"low_m": 0.009},
        {"high_m": float("nan")},
        {"high_m": float("inf")},
        {"low_m": "low"},
        {"plane": [1.0, 2.0]},
        {"plane": [0.0, 0.0, float("nan"), 0.5]},
        {"plane": None},
    ],
)
def test_damaged_constants_are_refused(change):
    with pytest.raises(UserError, match="preparation constants"):
        PreparationConstants.from_dict(CONSTANTS.to_dict() | change)


@pytest.mark.parametrize("key", ["mode", "low_m", "high_m", "plane"])
def test_missing_constants_are_refused(key):
    values = CONSTANTS.to_dict()
    del values[key]
    with pytest.raises(UserError, match="preparation constants"):
        PreparationConstants.from_dict(values)
