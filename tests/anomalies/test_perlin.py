import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcrdf.anomalies.perlin import (
    corner_weights,
    draw_gradients,
    gradient_noise,
    noise_of_gradients,
    perlin_field,
)

PAPER_LATTICES = ((16, 16), (32, 32), (64, 64))
PAPER_WEIGHTS = (0.5, 0.3, 0.2)


def slow_noise(size, lattices, gradients):
    """Gradient noise by its definition: a loop over pixels and their cell's corners."""
    noise = np.zeros((size, size))
    for (rows, columns), (row_part, column_part) in zip(lattices, gradients, strict=True):
        for row in range(size):
            for column in range(size):
                y, x = (row + 0.5) * rows / size, (column + 0.5) * columns / size
                for i in (math.floor(y), math.floor(y) + 1):
                    for j in (math.floor(x), math.floor(x) + 1):
                        if i > rows or j > columns:
                            continue
                        dot = row_part[i, j] * (y - i) + column_part[i, j] * (x - j)
                        noise[row, column] += fade(y - i) * fade(x - j) * dot
    return noise


def fade(offset):
    t = 1.0 - abs(offset)
    return 6 * t**5 - 15 * t**4 + 10 * t**3


@settings(max_examples=15, deadline=None)
@given(
    size=st.integers(2, 40),
    cells=st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), min_size=1, max_size=3),
    seed=st.integers(0, 2**32),
)
def test_equals_a_loop_over_pixels(size, cells, seed):
    lattices = tuple(cells)
    weights = tuple(1.0 / (1 + i) for i in range(len(cells)))
    gradients = draw_gradients(lattices, weights, np.random.default_rng(seed))
    fast = noise_of_gradients(size, lattices, gradients)
    np.testing.assert_allclose(fast, slow_noise(size, lattices, gradients), atol=1e-5)


def test_equals_a_loop_over_pixels_across_bands():
    size, lattices = 140, ((5, 9),)
    gradients = draw_gradients(lattices, (1.0,), np.random.default_rng(3))
    fast = noise_of_gradients(size, lattices, gradients)
    np.testing.assert_allclose(fast, slow_noise(size, lattices, gradients), atol=1e-5)


def test_gradients_have_the_length_of_their_weight():
    gradients = draw_gradients(((4, 4), (8, 8)), (0.5, 0.25), np.random.default_rng(0))
    for (row_part, column_part), weight in zip(gradients, (0.5, 0.25), strict=True):
        np.testing.assert_allclose(np.hypot(row_part, column_part), weight, rtol=1e-5)
    angles = np.arctan2(*gradients[1])
    assert angles.min() < -2.0
    assert angles.max() > 2.0


@given(size=st.integers(1, 200), cells=st.integers(1, 80))
@settings(max_examples=40, deadline=None)
def test_corner_weights_sum_to_one_and_touch_two_lines(size, cells):
    weights, _ = corner_weights(size, cells)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-6)
    assert (weights >= 0.0).all()
    assert (np.count_nonzero(weights, axis=1) <= 2).all()


def test_noise_is_zero_where_a_pixel_centre_is_a_lattice_corner():
    noise = gradient_noise(9, ((6, 6),), (1.0,), np.random.default_rng(1))
    np.testing.assert_allclose(noise[1::3, 1::3], 0.0, atol=1e-6)
    assert np.abs(noise[::3, ::3]).min() > 1e-3
    assert np.abs(noise).max() <= math.sqrt(0.5) + 1e-6


def test_field_has_unit_deviation_before_the_tanh():
    for kappa in (0.5, 1.0):
        field = perlin_field(256, PAPER_LATTICES, PAPER_WEIGHTS, kappa, np.random.default_rng(5))
        before = np.arctanh(field.astype(np.float64)) / kappa
        assert before.std() == pytest.approx(1.0, rel=1e-3)
        assert field.dtype == np.float32


def test_same_generator_state_gives_the_same_bits():
    first, again, other = (
        gradient_noise(64, PAPER_LATTICES, PAPER_WEIGHTS, np.random.default_rng(seed))
        for seed in (7, 7, 8)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_coarser_lattices_make_smoother_noise():
    def roughness(cells):
        noise = gradient_noise(128, ((cells, cells),), (1.0,), np.random.default_rng(0))
        return np.abs(np.diff(noise, axis=0)).mean() / noise.std()

    assert roughness(4) < roughness(8) < roughness(16) < roughness(32)


def test_lattices_may_differ_along_the_axes():
    noise = gradient_noise(128, ((2, 32),), (1.0,), np.random.default_rng(0))
    down, across = (np.abs(np.diff(noise, axis=axis)).mean() for axis in (0, 1))
    assert across > 4.0 * down
