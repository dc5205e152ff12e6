import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from dcrdf.config.options import PrepareOptions
from dcrdf.preparation.foreground import closed, height_threshold_m, part_foreground

OPTIONS = PrepareOptions()


def found_part(height_m, known, options=OPTIONS, threshold_m=0.002):
    """The part where the points themselves do not matter."""
    return part_foreground(height_m, np.zeros((*known.shape, 3)), known, threshold_m, options)


def disc(size, radius):
    y, x = np.mgrid[:size, :size] - size // 2
    return np.hypot(x, y) <= radius


def test_a_disc_is_found_and_dust_is_not():
    truth = disc(200, 60)
    height_m = np.where(truth, 0.01, 0.0).astype(np.float32)
    height_m[5:7, 5:7] = 0.02
    height_m[20:29, 20:29] = 0.02
    found = found_part(height_m, np.ones_like(truth))
    assert (found != truth).mean() < 0.001


def test_missing_points_inside_the_part_belong_to_it():
    truth = disc(200, 60)
    height_m = np.where(truth, 0.01, np.nan).astype(np.float32)
    valid = truth & ~disc(200, 12)
    height_m[~valid] = np.nan
    found = found_part(height_m, valid)
    assert (found != truth).mean() < 0.001


def test_what_lies_below_the_plane_is_background():
    height_m = np.where(disc(100, 30), -0.01, 0.0).astype(np.float32)
    assert not found_part(height_m, np.ones((100, 100), np.bool_)).any()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), blur=st.floats(1.0, 4.0), share=st.floats(0.005, 0.3))
def test_agrees_with_labelling_and_filling(seed, blur, share):
    """Oracle: the same opening and closing, then scipy's hole filling and component sizes."""
    generator = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(generator.standard_normal((90, 110)), blur)
    above = field > np.quantile(field, 1 - share)
    cross = ndimage.generate_binary_structure(2, 1)
    opened = ndimage.binary_dilation(ndimage.binary_erosion(above, cross, border_value=1), cross)
    closed_ = ndimage.binary_erosion(ndimage.binary_dilation(opened, cross), cross, border_value=1)
    filled = ndimage.binary_fill_holes(closed_)
    labels, _ = ndimage.label(filled, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    expected = (sizes >= 0.01 * above.size)[labels]
    found = found_part(above.astype(np.float32), np.ones_like(above), threshold_m=0.5)
    np.testing.assert_array_equal(found, expected)


def test_the_threshold_follows_the_noise_but_never_falls_below_its_minimum():
    assert height_threshold_m(0.0001, 3.0, 0.002) == 0.002
    assert height_threshold_m(0.002, 3.0, 0.002) == pytest.approx(0.006)


@given(seed=st.integers(0, 10_000), share=st.floats(0.0, 0.6))
def test_closing_by_three_thrice_is_closing_by_seven_once(seed, share):
    """Three dilations, then three erosions, as CRD's code has it."""
    mask = np.random.default_rng(seed).random((30, 40)) < share
    square = np.ones((3, 3))
    dilated = ndimage.binary_dilation(mask, square, iterations=3)
    thrice = ndimage.binary_erosion(dilated, square, iterations=3, border_value=1)
    np.testing.assert_array_equal(closed(mask, 7), thrice)


def test_off_the_plane_counts_both_sides_and_missing_points_on_neither():
    height_m = np.zeros((40, 40), np.float32)
    height_m[5:15, 5:15], height_m[25:35, 25:35] = 0.006, -0.006
    known = np.ones((40, 40), np.bool_)
    known[8, 8] = known[0, 0] = False
    height_m[~known] = 0.5
    options = PrepareOptions(foreground="off_plane", foreground_clean="none")
    expected = (np.abs(height_m) == np.float32(0.006)) & known
    np.testing.assert_array_equal(found_part(height_m, known, options, 0.005), expected)
    above = options.model_copy(update={"foreground": "above"})
    assert found_part(height_m, known, above, 0.005).sum() == 99
    closing = options.model_copy(update={"foreground_clean": "close", "close_px": 3})
    assert found_part(height_m, known, closing, 0.005)[8, 8]
