"""What is packed for the script is what went in, and small."""

import base64

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from dcrdf.report.explore.packing import (
    COLOUR_PX,
    HEIGHT_PX,
    MAPS_BYTES,
    map_side_px,
    outlines,
    pack_colour,
    pack_heights,
    pack_maps,
)


def pixels(text):
    encoded = np.frombuffer(base64.b64decode(text), np.uint8)
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1].astype(int)


def unpacked_map(packed, at):
    return packed.low + (packed.high - packed.low) * (pixels(packed.images[at])[..., 0] / 255) ** 2


@given(st.floats(-5, 5), st.floats(0.1, 50), st.integers(0, 99))
def test_maps_keep_their_values(low, span, seed):
    maps = (low + span * np.random.default_rng(seed).random((2, 12, 20))).astype(np.float16)
    packed = pack_maps(list(maps), 64)
    for at in range(2):
        error = np.abs(unpacked_map(packed, at) - maps[at].astype(float))
        assert error.max() <= (packed.high - packed.low) / 255 * 1.01


def test_maps_are_finer_near_what_is_usual():
    ramp = np.linspace(0.0, 1.0, 4096, dtype=np.float32).reshape(64, 64)
    error = np.abs(unpacked_map(pack_maps([ramp], 64), 0) - ramp)
    assert error[ramp < 0.1].max() < 0.35 * error[ramp > 0.8].max()


@pytest.mark.parametrize("maps", [[], [np.full((4, 4), 0.5, np.float16)]])
def test_maps_without_a_span_have_a_range(maps):
    packed = pack_maps(maps, 64)
    assert packed.high > packed.low
    assert len(packed.images) == len(maps)


def test_smaller_maps_are_means_so_that_no_peak_is_skipped():
    one = np.zeros((64, 64), np.float32)
    one[31, 17] = 16.0
    packed = pack_maps([one], 16)
    assert pixels(packed.images[0]).shape == (16, 16, 3)
    assert unpacked_map(packed, 0).max() == pytest.approx(1.0)


def test_heights_have_a_thousand_levels_and_lose_single_extremes():
    heights = np.random.default_rng(0).random((3, 40, 60)).astype(np.float32)
    heights[0, 0, 0] = 1e6
    packed = pack_heights(list(heights))
    assert packed.high < 2.0
    red, green, blue = np.moveaxis(pixels(packed.images[1]), -1, 0)
    assert not blue.any()
    back = packed.low + (packed.high - packed.low) * ((red << 2) | (green >> 6)) / 1023
    wanted = heights[1].clip(packed.low, packed.high)
    assert np.abs(back - wanted).max() <= 0.51 * (packed.high - packed.low) / 1023


def test_no_heights_are_no_texts():
    assert pack_heights([]).images == []


def test_large_pictures_are_made_smaller():
    rgb = np.random.default_rng(0).integers(0, 256, (300, 600, 3), dtype=np.uint8)
    assert pixels(pack_colour(rgb)).shape == (COLOUR_PX // 2, COLOUR_PX, 3)
    heights = pack_heights([np.zeros((600, 300), np.float32)])
    assert pixels(heights.images[0]).shape == (HEIGHT_PX, HEIGHT_PX // 2, 3)


def test_colours_stay_what_they_are():
    rgb = np.zeros((32, 32, 3), np.uint8)
    rgb[..., 0] = 200
    assert np.abs(pixels(pack_colour(rgb))[16, 16] - [200, 0, 0]).max() < 12


@given(st.integers(1, 2000), st.integers(1, 20))
def test_the_side_of_maps_falls_with_their_number(images, runs):
    side = map_side_px(images, runs)
    assert map_side_px(images + 1, runs) <= side
    assert side == 32 or 1.5 * images * runs * 0.28 * side**2 <= MAPS_BYTES


def test_outlines_go_closely_around_every_region_and_hole():
    mask = np.zeros((40, 80), bool)
    mask[4:30, 8:40] = True
    mask[10:20, 16:30] = False
    mask[35, 60] = True
    lines = [np.reshape(line, (-1, 2)) * (80, 40) - 0.5 for line in outlines(mask)]
    assert len(lines) == 3
    distance = ndimage.distance_transform_edt(~mask)
    for x, y in np.rint(np.concatenate(lines)).astype(int):
        assert 1 <= distance[y, x] <= 3
    assert outlines(np.zeros((4, 4), bool)) == []
