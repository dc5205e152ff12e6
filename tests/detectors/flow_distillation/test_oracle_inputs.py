"""What the flow reads against loops: positions, heights, cells of the mask."""

import numpy as np
import pytest

from . import binding, made, oracle, values


@pytest.mark.parametrize("channels", [32, 8, 4])
@pytest.mark.parametrize("shape", [(5, 5), (24, 24)])
def test_positions_are_encoded_as_the_formula_says(channels, shape):
    expected = oracle.encoding(channels, *shape)
    np.testing.assert_allclose(binding.encoding(channels, *shape), expected, atol=2e-6)


def test_no_two_places_are_encoded_alike():
    codes = np.round(binding.encoding(32, 48, 48).reshape(32, -1).T, 4)
    assert len(np.unique(codes, axis=0)) == 48 * 48


def test_the_first_channels_are_of_the_column():
    """One beside the other differ in the first half alone, one below the other in the second."""
    code = binding.encoding(32, 3, 3)
    assert (code[:16, 0] == code[:16, 1]).all()
    assert (code[16:, :, 0] == code[16:, :, 1]).all()
    assert code[0, 0, 1] == pytest.approx(np.sin(1.0))
    assert code[17, 2, 0] == pytest.approx(np.cos(2.0))


@pytest.mark.parametrize(("size", "side"), [(4, 32), (8, 32), (8, 64), (16, 32), (8, 96)])
@pytest.mark.parametrize("centre", ["image", "none"])
def test_heights_are_centred_resized_and_folded(size, side, centre):
    grid = 4
    height = 0.4 + 0.2 * made.maps(1, side, side)
    part = made.mask(2, side, side)
    found = binding.depth_channels(height, part, grid, size, centre)
    expected = values.depth_channels(height, part, grid, size, centre)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_pixel_lands_in_its_channel():
    """Channel 8 i + j of cell (row, col) is pixel (8 row + i, 8 col + j)."""
    height, part = np.zeros((32, 32)), np.ones((32, 32), bool)
    height[8 * 2 + 3, 8 * 1 + 5] = 1.0
    found = binding.depth_channels(height, part, 4, 8, "none")
    assert np.argwhere(found).tolist() == [[8 * 3 + 5, 2, 1]]


def test_no_part_has_no_height():
    found = binding.depth_channels(made.maps(1, 32, 32), np.zeros((32, 32), bool), 4, 8, "image")
    assert not found.any()


def test_a_constant_added_to_the_height_changes_nothing():
    height, part = made.maps(1, 32, 32), made.mask(2, 32, 32)
    one, other = (binding.depth_channels(height + x, part, 4, 8, "image") for x in (0.0, 0.5))
    np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("grid", [2, 4, 8])
def test_a_cell_counts_that_holds_any_pixel_of_the_part(grid):
    mask = made.mask(3, 32, 32, share=0.02)
    expected = values.cells(mask, grid)
    np.testing.assert_array_equal(binding.cells(mask, grid), expected)
    assert grid == 2 or not expected.all()
