import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcrdf.errors import UserError
from dcrdf.preparation.normalise import (
    PreparationConstants,
    centred,
    height_range_m,
    normalise,
    part_mean_m,
    scaled_to_range,
)

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


@given(
    values=st.lists(st.floats(0.25, 1.0, width=32), min_size=2, max_size=30),
    low=st.floats(0.0, 0.4),
    high=st.floats(0.5, 1.0),
)
def test_one_images_range_and_its_zeros(values, low, high):
    surface_m = np.array([0.0, *values], np.float32)
    found = scaled_to_range(surface_m, low, high)
    assert found.dtype == np.float32
    assert found[0] == 0.0
    least, greatest = min(values), max(values)
    for value, scaled in zip(values, found[1:], strict=True):
        share = 0.5 if greatest == least else (value - least) / (greatest - least)
        assert scaled == pytest.approx(low + (high - low) * share, abs=1e-6)
        assert np.float32(low) <= scaled <= np.float32(high)


def test_nothing_measured_has_no_range():
    assert (scaled_to_range(np.zeros((3, 3), np.float32), 0.1, 0.9) == 0.0).all()


def test_centred_on_the_part():
    surface_m = np.array([0.50, 0.51, 0.53, 0.0, 0.60], np.float32)
    part = np.array([True, True, True, True, False])
    found = centred(surface_m, part, 0.01)
    mean = (0.50 + 0.51 + 0.53) / 3
    np.testing.assert_allclose(
        found, [(x - mean) / 0.01 if x else 0.0 for x in (0.50, 0.51, 0.53, 0.0, 0.60)], atol=1e-4
    )
    assert part_mean_m(surface_m, np.zeros(5, np.bool_)) == 0.0
