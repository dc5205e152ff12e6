"""Pictures: fixed colours, common scales, outlines, and data that a browser can show."""

import base64

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcrdf.report.figures import (
    OUTLINE_RGB,
    Scale,
    colour_bar_stops,
    data_uri,
    fit,
    heat_map,
    height_picture,
    height_scale,
    outlined,
    threshold_scale,
    usual_value,
)


def lightness(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)[..., 0].astype(int)


def test_heat_grows_lighter_with_the_value():
    ramp = np.linspace(0, 1, 64, dtype=np.float32)[None]
    steps = np.diff(lightness(heat_map(ramp, Scale(0.0, 1.0)))[0])
    assert (steps >= -1).all()
    assert steps.sum() > 200


def test_heat_is_black_below_and_pale_above_its_scale():
    picture = heat_map(np.array([[-9.0, 0.0, 1.0, 9.0]]), Scale(0.0, 1.0))
    assert picture[0, 0].tolist() == picture[0, 1].tolist() == [0, 0, 4]
    assert picture[0, 2].tolist() == picture[0, 3].tolist()
    assert picture[0, 2].min() > 150


def test_the_same_value_has_the_same_colour_in_every_image():
    scale = Scale(0.0, 2.0)
    alone, among = np.full((2, 2), 1.3), np.array([[0.1, 1.3], [1.9, 5.0]])
    assert heat_map(alone, scale)[0, 0].tolist() == heat_map(among, scale)[0, 1].tolist()


def test_the_middle_of_a_scale_is_the_threshold():
    maps = np.stack([np.full((4, 4), 0.25), np.full((4, 4), 3.0)]).astype(np.float16)
    scale = threshold_scale(usual_value(maps, np.array([True, False])), 0.75)
    assert scale.apply(np.array([0.25, 0.75, 1.25])).tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("threshold", [0.5, 0.1])
def test_scale_has_a_width_where_good_maps_reach_the_threshold(threshold):
    maps = np.full((2, 4, 4), 0.5, dtype=np.float16)
    scale = threshold_scale(usual_value(maps, np.array([False, False])), threshold)
    assert scale.high > scale.low
    assert np.isfinite(scale.apply(maps)).all()


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(-9, 9))
def test_scaled_values_lie_between_zero_and_one(low, high, value):
    share = Scale(low, high).apply(np.array([value]))
    assert 0.0 <= share[0] <= 1.0


def test_a_shallow_dent_shows_in_the_height_picture():
    rows, columns = np.mgrid[0:64, 0:64].astype(np.float32)
    height = columns / 64
    dent = 0.02 * np.exp(-((rows - 32) ** 2 + (columns - 32) ** 2) / 18)
    scale = height_scale(height[None])
    flat, dented = height_picture(height, scale), height_picture(height - dent, scale)
    difference = np.abs(flat.astype(int) - dented.astype(int))[..., 0]
    assert difference[24:40, 24:40].max() > 25
    assert difference[:10].max() <= 2


def test_outline_is_drawn_on_the_border_only():
    picture = np.full((40, 40, 3), 128, dtype=np.uint8)
    mask = np.zeros((40, 40), dtype=bool)
    mask[10:30, 10:30] = True
    drawn = outlined(picture, mask)
    assert (drawn[20, 20] == 128).all()
    assert (drawn[2, 2] == 128).all()
    assert (drawn == OUTLINE_RGB).all(axis=-1).sum() >= 4 * 18
    assert (picture == 128).all()


def test_outline_hides_nothing_of_a_thin_defect():
    picture = np.full((40, 40, 3), 128, dtype=np.uint8)
    mask = np.zeros((40, 40), dtype=bool)
    mask[20, 10:30] = True
    assert (outlined(picture, mask)[mask] == 128).all()


def test_outline_of_nothing_leaves_the_picture():
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert (outlined(picture, np.zeros((4, 4), dtype=bool)) == picture).all()


def test_outline_fits_a_smaller_picture():
    picture = np.full((20, 20, 3), 128, dtype=np.uint8)
    mask = np.zeros((40, 40), dtype=bool)
    mask[20:, :] = True
    rows = np.flatnonzero((outlined(picture, mask) != 128).any(axis=(1, 2)))
    assert 4 <= rows.min() < 10


@pytest.mark.parametrize(("shape", "expected"), [((100, 50), (20, 10)), ((10, 8), (10, 8))])
def test_fit_keeps_proportions_and_never_enlarges(shape, expected):
    assert fit(np.zeros((*shape, 3), dtype=np.uint8), 20).shape == (*expected, 3)


def test_data_uri_holds_the_picture():
    picture = np.zeros((16, 16, 3), dtype=np.uint8)
    picture[:, 8:] = (250, 40, 10)
    head, _, body = data_uri(picture).partition(",")
    assert head == "data:image/webp;base64"
    raw = np.frombuffer(base64.b64decode(body), dtype=np.uint8)
    decoded = cv2.imdecode(raw, cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(decoded.astype(int) - picture).mean() < 6


def test_colour_bar_runs_from_black_to_pale():
    stops = colour_bar_stops()
    assert stops[0] == "#000004"
    assert len(stops) == 9
    assert int(stops[-1][1:3], 16) > 200
