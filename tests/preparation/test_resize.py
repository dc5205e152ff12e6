import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcrdf.preparation.resize import (
    pad_bars,
    pad_empty,
    place,
    resize_area,
    resize_nearest,
    resize_surface,
    to_native,
)

sizes = st.tuples(st.integers(1, 90), st.integers(1, 90))
both_ways = st.sampled_from(["stretch", "letterbox"])


def area_weights(source, target):
    """Slow oracle: share of each source pixel in each target pixel of one shrinking axis."""
    weights = np.zeros((target, source))
    for row in range(target):
        low, high = row * source / target, (row + 1) * source / target
        for column in range(source):
            weights[row, column] = max(0.0, min(high, column + 1) - max(low, column))
    return weights / weights.sum(axis=1, keepdims=True)


def test_shrinking_is_the_area_mean():
    image = np.random.default_rng(0).random((50, 73)).astype(np.float32)
    placement = place(image.shape, 32, "stretch")
    expected = area_weights(50, 32) @ image @ area_weights(73, 32).T
    np.testing.assert_allclose(resize_area(image, placement), expected, atol=1e-5)


def test_one_axis_shrinks_while_the_other_grows():
    image = np.random.default_rng(0).random((80, 20)).astype(np.float32)
    placement = place(image.shape, 40, "stretch")
    shrunk = cv2.resize(image, (20, 40), interpolation=cv2.INTER_AREA)
    expected = cv2.resize(shrunk, (40, 40), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(resize_area(image, placement), expected, atol=1e-6)


def test_missing_heights_never_mix_with_zero():
    generator = np.random.default_rng(1)
    valid = generator.random((100, 130)) > 0.4
    height_m = np.where(valid, np.float32(0.25), np.float32(np.nan))
    for square in (32, 64, 160):
        resized_m, measured = resize_surface(height_m, valid, place(valid.shape, square, "stretch"))
        assert measured.any()
        assert not measured.all()
        np.testing.assert_allclose(resized_m[measured], 0.25, rtol=1e-5)
        assert np.isfinite(resized_m).all()


def test_heights_are_means_over_their_valid_pixels():
    generator = np.random.default_rng(2)
    height_m = generator.random((60, 60)).astype(np.float32)
    valid = generator.random((60, 60)) > 0.3
    resized_m, measured = resize_surface(height_m, valid, place((60, 60), 20, "stretch"))
    tiles = height_m.reshape(20, 3, 20, 3).swapaxes(1, 2).reshape(20, 20, 9)
    known = valid.reshape(20, 3, 20, 3).swapaxes(1, 2).reshape(20, 20, 9)
    np.testing.assert_array_equal(measured, known.mean(axis=2) >= 0.5)
    expected = (tiles * known).sum(axis=2) / np.maximum(known.sum(axis=2), 1)
    np.testing.assert_allclose(resized_m[measured], expected[measured], rtol=1e-5)


@settings(max_examples=60, deadline=None)
@given(size=sizes, square=st.sampled_from([8, 32, 64]), resize=both_ways)
def test_every_image_lands_in_the_square(size, square, resize):
    placement = place(size, square, resize)
    image = np.full((*size, 3), 77, np.uint8)
    resized = pad_bars(resize_area(image, placement), placement, "mirror")
    assert resized.shape == (square, square, 3)
    assert (resized == 77).all()
    mask = pad_empty(resize_nearest(np.ones(size, np.bool_), placement), placement)
    assert mask.shape == (square, square)
    assert mask[placement.inside].all()
    assert np.count_nonzero(mask) == placement.height * placement.width


def test_letterbox_keeps_the_aspect_ratio_and_centres():
    placement = place((100, 200), 64, "letterbox")
    assert (placement.height, placement.width) == (32, 64)
    assert (placement.top, placement.left) == (16, 0)


def test_nearest_picks_pixel_centres():
    image = np.arange(36).reshape(6, 6).astype(np.float32)
    picked = resize_nearest(image, place((6, 6), 2, "stretch"))
    np.testing.assert_array_equal(picked, image[[1, 4]][:, [1, 4]])


@settings(max_examples=60, deadline=None)
@given(size=st.tuples(st.integers(16, 200), st.integers(16, 200)), resize=both_ways)
def test_to_native_undoes_the_placement(size, resize):
    """A linear map drawn at the network's size lies where it belongs at native size."""
    square = 64
    placement = place(size, square, resize)
    y, x = np.mgrid[:square, :square].astype(np.float32)
    rows = (y + 0.5 - placement.top) / placement.height
    columns = (x + 0.5 - placement.left) / placement.width
    native = to_native(rows + 2 * columns, size, resize)
    assert native.shape == size
    assert native.dtype == np.float32
    rows = (np.arange(size[0]) + 0.5) / size[0]
    columns = (np.arange(size[1]) + 0.5) / size[1]
    expected = rows[:, None] + 2 * columns[None, :]
    rim = 0.5 / placement.height + 2 * 0.5 / placement.width
    assert np.abs(native - expected).max() <= rim + 1e-4
    inner_rows = (rows > 0.5 / placement.height) & (rows < 1 - 0.5 / placement.height)
    inner_columns = (columns > 0.5 / placement.width) & (columns < 1 - 0.5 / placement.width)
    inner = np.ix_(inner_rows, inner_columns)
    np.testing.assert_allclose(native[inner], expected[inner], atol=2e-3)


def test_to_native_ignores_the_bars():
    map_ = np.full((64, 64), 9.0, np.float32)
    map_[place((50, 100), 64, "letterbox").inside] = 1.0
    np.testing.assert_array_equal(to_native(map_, (50, 100), "letterbox"), 1.0)


@pytest.mark.parametrize("value", [np.bool_(True), np.float32(1.5)])
def test_bars_are_empty_or_mirrored(value):
    placement = place((10, 20), 32, "letterbox")
    image = np.full((placement.height, placement.width), value)
    assert (pad_bars(image, placement, "mirror") == value).all()
    assert not pad_empty(image, placement)[: placement.top].any()


@settings(max_examples=60, deadline=None)
@given(size=sizes, multiple=st.sampled_from([1, 7, 100]))
def test_bars_bring_the_longer_side_to_a_multiple(size, multiple):
    placement = place(size, 64, "letterbox", multiple)
    padded = next(side for side in range(multiple, 1000, multiple) if side >= max(size))
    assert placement.height == max(1, round(size[0] * 64 / padded))
    assert placement.width == max(1, round(size[1] * 64 / padded))
    assert place(size, 64, "stretch", multiple) == place(size, 64, "stretch")


def test_bars_repeat_the_edge():
    placement = place((10, 20), 32, "letterbox")
    image = np.random.default_rng(0).random((16, 32)).astype(np.float32)
    padded = pad_bars(image, placement, "edge")
    np.testing.assert_array_equal(padded[:8], np.broadcast_to(image[0], (8, 32)))
    np.testing.assert_array_equal(padded[24:], np.broadcast_to(image[-1], (8, 32)))
    np.testing.assert_array_equal(padded[8:24], image)


def test_bilinear_takes_the_four_around_a_centre_by_validity():
    generator = np.random.default_rng(4)
    height_m = generator.random((50, 41)).astype(np.float32)
    valid = generator.random((50, 41)) > 0.3
    placement = place((50, 41), 16, "stretch")
    given_m = np.where(valid, height_m, np.float32(np.nan))
    resized_m, measured = resize_surface(given_m, valid, placement, "bilinear")
    for row, column in np.ndindex(16, 16):
        y, x = (row + 0.5) * 50 / 16 - 0.5, (column + 0.5) * 41 / 16 - 0.5
        top, left = int(np.floor(y)), int(np.floor(x))
        down, right = y - top, x - left
        weights = np.outer([1 - down, down], [1 - right, right])
        around = np.s_[top : top + 2, left : left + 2]
        seen = weights * valid[around]
        if abs(seen.sum() - 0.5) > 1e-5:
            assert measured[row, column] == (seen.sum() > 0.5)
        if measured[row, column]:
            expected = (seen * height_m[around]).sum() / seen.sum()
            assert resized_m[row, column] == pytest.approx(expected, abs=1e-5)
        else:
            assert resized_m[row, column] == 0.0


def test_nearest_surfaces_are_picked_with_their_validity():
    height_m = np.arange(36, dtype=np.float32).reshape(6, 6) + 1
    valid = np.ones((6, 6), np.bool_)
    valid[1, 1] = False
    height_m[1, 1] = np.nan
    resized_m, measured = resize_surface(height_m, valid, place((6, 6), 2, "stretch"), "nearest")
    np.testing.assert_array_equal(resized_m, [[0.0, 11.0], [26.0, 29.0]])
    np.testing.assert_array_equal(measured, [[False, True], [True, True]])
