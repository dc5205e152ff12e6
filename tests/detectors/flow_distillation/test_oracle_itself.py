"""The oracles against what is known without them."""

import numpy as np
import pytest

from . import made, oracle, values


def test_convolution_of_an_impulse_is_the_kernel_turned():
    x = np.zeros((1, 3, 3))
    x[0, 1, 1] = 1.0
    weight = np.arange(9.0).reshape(1, 1, 3, 3)
    found = oracle.convolved(x, oracle.Convolution(weight, np.array([0.5])), "zero")
    np.testing.assert_array_equal(found[0], weight[0, 0, ::-1, ::-1] + 0.5)


def test_a_margin_repeats_the_nearest_value():
    x = made.maps(0, 2, 3, 4)
    edge = np.pad(x, ((0, 0), (2, 2), (2, 2)), mode="edge")
    np.testing.assert_array_equal(oracle.padded(x, 2, "replicate"), edge)
    np.testing.assert_array_equal(oracle.padded(x, 2, "zero"), np.pad(x, ((0, 0), (2, 2), (2, 2))))


@pytest.mark.parametrize("channels", [2, 5, 6])
def test_the_inverse_undoes_the_flow(channels):
    blocks = made.flow(1, channels, 4)
    x, c = made.maps(2, channels, 4, 5), made.maps(3, 4, 4, 5)
    z, _ = oracle.flow(blocks, x, c)
    assert np.abs(z - x).max() > 0.1
    np.testing.assert_allclose(oracle.inverse_flow(blocks, z, c), x, atol=1e-12)


@pytest.mark.parametrize("condition", [0, 4])
def test_the_determinant_is_that_of_the_jacobian(condition):
    blocks = made.flow(4, 5, condition, gamma=0.7, spread=0.2)
    x, c = made.maps(5, 5, 3, 3), made.maps(6, condition, 3, 3)
    step, columns = 1e-6, []
    for place in range(x.size):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved.flat[place] += sign * step
            ends.append(oracle.flow(blocks, moved, c)[0].ravel())
        columns.append((ends[0] - ends[1]) / (2 * step))
    _, expected = np.linalg.slogdet(np.stack(columns, axis=1))
    found = oracle.flow(blocks, x, c)[1].sum()
    assert abs(found) > 0.1
    assert found == pytest.approx(expected, abs=1e-6)


def test_permutations_one_after_another():
    x, steps = made.maps(0, 7), oracle.orders(7, 4)
    by_steps = x
    for step in steps:
        by_steps = by_steps[step]
    np.testing.assert_array_equal(x[oracle.composed(steps)], by_steps)


def test_published_sizes_have_the_published_counts():
    assert oracle.flow_parameters(368, 32, (3, 3, 3, 5), 64) == 3_890_568
    assert oracle.student_parameters(368, 32, 1024, 4) == 82_601_328


def test_pooling_by_reshape():
    x = made.maps(0, 3, 8, 8)
    np.testing.assert_allclose(
        values.pooled(x, 2), x.reshape(3, 4, 2, 4, 2).mean(axis=(2, 4)), atol=1e-14
    )
    assert values.pooled(made.maps(0, 1, 18, 18), 4).shape == (1, 5, 5)


def test_partial_windows_hold_what_is_there():
    x = np.arange(9.0).reshape(1, 3, 3)
    np.testing.assert_array_equal(values.pooled(x, 2)[0], [[2.0, 3.5], [6.5, 8.0]])
    corner = np.zeros((3, 3), bool)
    corner[2, 2] = corner[0, 0] = corner[2, 0] = True
    any_, half = (values.pooled_mask(corner, 2, rule) for rule in ("any", "half"))
    np.testing.assert_array_equal(any_, [[True, False], [True, True]])
    np.testing.assert_array_equal(half, [[False, False], [True, True]])


def test_area_of_a_whole_factor_is_the_mean_of_each_block():
    image = made.maps(0, 12, 12)
    expected = image.reshape(4, 3, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(values.resized_by_area(image, 4), expected, atol=1e-14)


def test_unshuffling_by_reshape():
    image = made.maps(0, 12, 12)
    expected = image.reshape(4, 3, 4, 3).transpose(1, 3, 0, 2).reshape(9, 4, 4)
    np.testing.assert_array_equal(values.unshuffled(image, 3), expected)


def test_a_level_is_one_of_the_values():
    values_ = np.arange(16.0).reshape(4, 4)
    assert values.level(values_, np.ones((4, 4), bool)) == 3.0
    assert values.level(values_, values_ >= 8) == 9.0
