import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcrdf.preparation.holes import METHODS, fill_holes, fill_some

every_method = pytest.mark.parametrize("method", METHODS)


def blobs(shape, share, seed):
    generator = np.random.default_rng(seed)
    smooth = cv2.GaussianBlur(generator.standard_normal(shape), (0, 0), 2.5)
    return smooth < np.quantile(smooth, share)


def ramp_m(shape):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return (2e-4 * x - 1e-4 * y + 3e-3).astype(np.float32)


@every_method
@settings(max_examples=20, deadline=None)
@given(
    rows=st.integers(1, 70),
    columns=st.integers(1, 70),
    share=st.floats(0.0, 1.0),
    seed=st.integers(0, 1000),
)
def test_no_hole_stays_and_nothing_valid_changes(method, rows, columns, share, seed):
    generator = np.random.default_rng(seed)
    height_m = generator.normal(0, 0.01, (rows, columns)).astype(np.float32)
    valid = generator.random((rows, columns)) >= share
    given_m = np.where(valid, height_m, np.float32(np.nan))
    filled_m = fill_holes(given_m, valid, method)
    assert filled_m.dtype == np.float32
    assert np.isfinite(filled_m).all()
    np.testing.assert_array_equal(filled_m[valid], height_m[valid])
    if valid.any():
        slack_m = 1e-6
        assert filled_m.min() >= height_m[valid].min() - slack_m
        assert filled_m.max() <= height_m[valid].max() + slack_m


@every_method
def test_a_constant_stays_constant(method):
    valid = ~blobs((96, 96), 0.3, 0)
    height_m = np.full((96, 96), 0.0123, np.float32)
    filled_m = fill_holes(np.where(valid, height_m, np.float32(np.nan)), valid, method)
    np.testing.assert_allclose(filled_m, height_m, rtol=1e-6)


@every_method
def test_nothing_measured_gives_the_plane(method):
    filled_m = fill_holes(np.full((20, 30), np.nan, np.float32), np.zeros((20, 30), bool), method)
    np.testing.assert_array_equal(filled_m, 0.0)


@every_method
def test_a_single_point_decides_everything(method):
    valid = np.zeros((33, 47), np.bool_)
    valid[10, 20] = True
    filled_m = fill_holes(np.where(valid, np.float32(0.004), np.float32(np.nan)), valid, method)
    np.testing.assert_allclose(filled_m, 0.004, rtol=1e-5)


def test_the_input_is_left_alone():
    valid = ~blobs((64, 64), 0.2, 1)
    height_m = ramp_m((64, 64))
    before = height_m.copy()
    fill_holes(height_m, valid)
    np.testing.assert_array_equal(height_m, before)


def test_a_tilted_plane_is_reproduced():
    height_m = ramp_m((128, 128))
    valid = np.ones((128, 128), np.bool_)
    cv2.circle(valid.view(np.uint8), (60, 70), 14, 0, -1)
    cv2.circle(valid.view(np.uint8), (100, 30), 4, 0, -1)
    filled_m = fill_holes(np.where(valid, height_m, np.float32(np.nan)), valid)
    step_m = 2e-4
    assert np.abs(filled_m - height_m).max() < 2 * step_m
    assert np.sqrt(np.mean((filled_m - height_m)[~valid] ** 2)) < 0.5 * step_m


def harmonic(height_m, valid):
    """Slow oracle: Gauss-Seidel until nothing moves (discrete Laplace, free image border)."""
    surface = np.where(valid, height_m, height_m[valid].mean()).astype(np.float64)
    holes = np.argwhere(~valid)
    for _ in range(250):
        for row, column in holes:
            around = [
                surface[min(max(row + down, 0), valid.shape[0] - 1),
                        min(max(column + right, 0), valid.shape[1] - 1)]
                for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0))
            ]  # fmt: skip
            surface[row, column] = sum(around) / 4
    return surface


def test_push_pull_comes_close_to_the_membrane():
    generator = np.random.default_rng(2)
    height_m = cv2.GaussianBlur(generator.standard_normal((32, 32)), (0, 0), 4).astype(np.float32)
    valid = ~blobs((32, 32), 0.15, 3)
    error = fill_holes(height_m, valid) - harmonic(height_m, valid)
    nearest_error = fill_holes(height_m, valid, "nearest") - harmonic(height_m, valid)
    rms, nearest_rms = (np.sqrt(np.mean(e[~valid] ** 2)) for e in (error, nearest_error))
    assert rms < 0.1 * height_m.std()
    assert rms < 0.4 * nearest_rms


def test_nearest_takes_the_nearest():
    valid = np.zeros((15, 20), np.bool_)
    valid[3, 4] = valid[12, 17] = True
    height_m = np.zeros((15, 20), np.float32)
    height_m[3, 4], height_m[12, 17] = 1.0, 2.0
    filled_m = fill_holes(height_m, valid, "nearest")
    y, x = np.mgrid[:15, :20]
    gap = np.hypot(y - 3, x - 4) - np.hypot(y - 12, x - 17)
    clear = np.abs(gap) > 1.0
    np.testing.assert_array_equal(filled_m[clear], np.where(gap < 0, 1.0, 2.0)[clear])


def test_the_default_beats_the_common_ways():
    errors = {}
    for method in METHODS:
        height_m = cv2.GaussianBlur(
            np.random.default_rng(5).standard_normal((128, 128)), (0, 0), 6
        ).astype(np.float32)
        holes = blobs((128, 128), 0.1, 6)
        filled_m = fill_holes(np.where(holes, np.float32(np.nan), height_m), ~holes, method)
        errors[method] = float(np.sqrt(np.mean((filled_m - height_m)[holes] ** 2)))
    assert errors["push_pull"] == min(errors.values())


def neighbour_mean_by_hand(values_m, valid, rounds):
    """Oracle: pixel by pixel, each round from what the one before left."""
    values_m, valid = values_m.astype(np.float64), valid.copy()
    for _ in range(rounds):
        before_m, known = values_m.copy(), valid.copy()
        for row, column in np.argwhere(~known):
            around = np.s_[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
            if known[around].any():
                values_m[row, column] = before_m[around][known[around]].mean()
                valid[row, column] = True
    return values_m, valid


@given(seed=st.integers(0, 1000), share=st.floats(0.0, 1.0), rounds=st.integers(1, 4))
def test_neighbour_means_grow_inwards(seed, share, rounds):
    generator = np.random.default_rng(seed)
    valid = generator.random((14, 17)) < share
    height_m = generator.normal(0, 0.01, valid.shape).astype(np.float32)
    given_m = np.where(valid, height_m, np.float32(np.nan))
    filled_m, known = fill_some(given_m, valid, "neighbour_mean", rounds)
    expected_m, expected = neighbour_mean_by_hand(np.where(valid, height_m, 0.0), valid, rounds)
    np.testing.assert_array_equal(known, expected)
    np.testing.assert_allclose(filled_m, expected_m, atol=1e-8)
    np.testing.assert_array_equal(filled_m[valid], height_m[valid])
    np.testing.assert_array_equal(filled_m, fill_holes(given_m, valid, "neighbour_mean", rounds))


def test_none_leaves_holes_at_zero():
    valid = ~blobs((32, 32), 0.3, 2)
    given_m = np.where(valid, ramp_m((32, 32)), np.float32(np.nan))
    filled_m, known = fill_some(given_m, valid, "none", 2)
    assert (filled_m[~valid] == 0.0).all()
    np.testing.assert_array_equal(known, valid)
    _, everywhere = fill_some(given_m, valid, "push_pull", 2)
    assert everywhere.all()
