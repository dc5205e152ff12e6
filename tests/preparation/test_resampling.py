import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dcrdf.preparation.resampling import ONE, resample_colour, resample_mask, resampling_matrix
from dcrdf.preparation.resize import place

PILLOWS = {"triangle": Image.Resampling.BILINEAR, "cubic": Image.Resampling.BICUBIC}
kernels = st.sampled_from(sorted(PILLOWS))


@given(
    rows=st.integers(1, 120),
    columns=st.integers(1, 120),
    square=st.sampled_from([8, 32, 64]),
    kernel=kernels,
    seed=st.integers(0, 100),
)
def test_colours_are_pillows(rows, columns, square, kernel, seed):
    rgb = np.random.default_rng(seed).integers(0, 256, (rows, columns, 3)).astype(np.uint8)
    placement = place((rows, columns), square, "letterbox")
    size = (placement.width, placement.height)
    expected = np.asarray(Image.fromarray(rgb).resize(size, PILLOWS[kernel]))
    found = resample_colour(rgb, placement, kernel)
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - expected).max() <= 1


@given(source=st.integers(1, 200), target=st.integers(1, 200), kernel=kernels)
def test_weights_sum_to_one(source, target, kernel):
    matrix = resampling_matrix(source, target, kernel)
    np.testing.assert_allclose(matrix.sum(axis=1) / ONE, 1.0, atol=1e-4)


def test_no_change_of_size_is_no_change():
    rgb = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    for kernel in PILLOWS:
        np.testing.assert_array_equal(
            resample_colour(rgb, place((16, 16), 16, "stretch"), kernel), rgb
        )


def shares(mask, square):
    """Oracle: the triangle's share of each target pixel, by double loop."""
    rows, columns = mask.shape

    def weights(at, source, scale):
        return np.array([max(0.0, 1 - abs((i + 0.5) - (at + 0.5) * scale) / max(scale, 1))
                         for i in range(source)])  # fmt: skip

    found = np.zeros((square, square))
    for row in range(square):
        down = weights(row, rows, rows / square)
        for column in range(square):
            across = weights(column, columns, columns / square)
            found[row, column] = down @ mask @ across / (down.sum() * across.sum())
    return found


@pytest.mark.parametrize("size", [(50, 41), (10, 12)])
def test_masks_are_taken_where_half_or_anything_is_covered(size):
    mask = np.random.default_rng(1).random(size) < 0.3
    placement = place(size, 16, "stretch")
    expected = shares(mask, 16)
    clear = np.abs(expected - 0.5) > 1e-6
    half = resample_mask(mask, placement, "half")
    np.testing.assert_array_equal(half[clear], (expected > 0.5)[clear])
    np.testing.assert_array_equal(resample_mask(mask, placement, "any"), expected > 1e-12)


@given(row=st.integers(0, 799), column=st.integers(0, 799))
def test_a_pixel_vanishes_under_half_and_never_under_any(row, column):
    mask = np.zeros((800, 800), np.bool_)
    mask[row, column] = True
    placement = place(mask.shape, 256, "stretch")
    assert not resample_mask(mask, placement, "half").any()
    assert resample_mask(mask, placement, "any").any()
