"""What is counted of a scan without a network, against slow counting by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcrdf.scans.readings import grey_odds, grey_of, joined, readings_of
from dcrdf.tensors.scans import Scans

SIDE, COUNT = 24, 3
COLOUR = {"brightness", "contrast", "detail"}
DEPTH = {"noise", "part_measured", "relief"}
WHOLE = {"distance", "size", "foreground", "measured"}


def scans(seed=0, bars=0):
    """Noise about a bright square that is a step high; `bars` rows above and below are none."""
    generator = np.random.default_rng(seed)
    part = np.zeros((COUNT, SIDE, SIDE), np.bool_)
    part[:, 6:18, 6:18] = True
    inside = np.ones_like(part)
    if bars:
        inside[:, :bars] = inside[:, -bars:] = False
    grey = 60 + 90 * part[..., None] + generator.normal(0, 6, (COUNT, SIDE, SIDE, 3))
    height = (0.5 * part + generator.normal(0, 0.01, part.shape)).astype(np.float32)
    valid = generator.random(part.shape) > 0.1
    return Scans(
        inside=inside,
        rgb=grey.astype(np.uint8),
        height=height,
        valid=valid,
        outline=part,
        on_part=part,
        missing_share=1.0 - valid.mean(axis=(1, 2)),
        foreground_share=part.mean(axis=(1, 2)),
        distance_m=np.array([0.4, 0.5, 0.6]),
        size_m=np.array([0.1, 0.2, 0.3]),
    )


def test_colour_by_hand():
    given_scans = scans(bars=2)
    found = readings_of(given_scans)
    for at in range(COUNT):
        grey = given_scans.rgb[at].astype(np.float64).mean(axis=2)
        inside = given_scans.inside[at]
        mean = grey[inside].mean()
        filled = np.where(inside, grey, mean)
        assert found["brightness"][at] == pytest.approx((mean + 0.5) / (255.5 - mean), rel=1e-4)
        around = np.pad(filled, 2, mode="reflect")
        smooth = np.array(
            [[around[y : y + 5, x : x + 5].mean() for x in range(SIDE)] for y in range(SIDE)]
        )
        assert found["contrast"][at] == pytest.approx(smooth[inside].std() + 0.5, rel=1e-4)
        near = np.pad(filled, 1, mode="reflect")
        rough = abs(
            4 * filled - near[:-2, 1:-1] - near[2:, 1:-1] - near[1:-1, :-2] - near[1:-1, 2:]
        )
        assert found["detail"][at] == pytest.approx(rough[inside].mean() + 0.5, rel=1e-4)


def test_depth_by_hand():
    given_scans = scans(bars=3)
    found = readings_of(given_scans)
    assert set(found) == COLOUR | DEPTH | WHOLE
    np.testing.assert_allclose(found["measured"], given_scans.valid.mean(axis=(1, 2)))
    np.testing.assert_array_equal(found["distance"], [0.4, 0.5, 0.6])
    np.testing.assert_array_equal(found["size"], [0.1, 0.2, 0.3])
    np.testing.assert_array_equal(found["foreground"], given_scans.foreground_share)
    for at in range(COUNT):
        valid, part = given_scans.valid[at], given_scans.on_part[at]
        assert found["part_measured"][at] == pytest.approx(valid[part].mean())
        heights = given_scans.height[at][given_scans.inside[at]].astype(np.float64)
        assert found["relief"][at] == pytest.approx(heights.std() + 1e-3)


def test_bars_say_nothing():
    """A letterbox's bars may be of any colour and height."""
    usual = scans(bars=4)
    rgb, height = usual.rgb.copy(), usual.height.copy()
    rgb[~usual.inside], height[~usual.inside] = 255, 2.0
    other = readings_of(replace(usual, rgb=rgb, height=height))
    for name in COLOUR | {"relief"}:
        np.testing.assert_array_equal(other[name], readings_of(usual)[name])


def test_what_scans_lack_is_missing():
    both = scans()
    assert set(readings_of(both.without("rgb"))) == DEPTH | WHOLE
    assert set(readings_of(both.without("depth"))) == COLOUR
    assert set(readings_of(replace(both, distance_m=None))) == (COLOUR | DEPTH | WHOLE) - {
        "distance"
    }


def test_groups_are_joined_by_what_all_have():
    parts = [readings_of(scans(0)), readings_of(replace(scans(1), size_m=None))]
    found = joined(iter(parts))
    assert "size" not in found
    assert all(len(values) == 2 * COUNT for values in found.values())
    np.testing.assert_array_equal(found["noise"][COUNT:], parts[1]["noise"])


@given(st.floats(0.0, 255.0))
def test_odds_have_an_inverse(grey):
    assert grey_of(float(grey_odds(np.array(grey)))) == pytest.approx(grey, abs=1e-6)


def test_both_ends_are_far():
    """Black is farther from dark grey than dark grey from light grey, and white likewise."""
    black, dark, light, white = grey_odds(np.array([0.0, 60.0, 195.0, 255.0]))
    assert dark / black > light / dark
    assert white / light > light / dark
