"""Maps and masks without bars, whatever multiple the longer side was brought to."""

import numpy as np
import pytest

from dcrdf.config.options import PrepareOptions
from dcrdf.preparation.resize import place
from dcrdf.results.native import native_maps, without_bars

SIZES = np.array([[75, 100], [130, 90], [64, 64]], np.int32)


@pytest.mark.parametrize("multiple", [1, 100])
def test_bars_are_cut_off(multiple):
    prepare = PrepareOptions(image_size=64, resize="letterbox", pad_multiple=multiple)
    maps = np.full((3, 64, 64), 9.0, np.float32)
    for one, (height, width) in zip(maps, SIZES.tolist(), strict=True):
        one[place((height, width), 64, "letterbox", multiple).inside] = 1.0
    for one, size in zip(native_maps(maps, SIZES, prepare), SIZES.tolist(), strict=True):
        assert list(one.shape) == size
        np.testing.assert_array_equal(one, 1.0)
    for one, (height, width) in zip(without_bars(maps, SIZES, prepare), SIZES, strict=True):
        padded = -(-max(height, width) // multiple) * multiple
        assert one.shape == (round(height * 64 / padded), round(width * 64 / padded))
        np.testing.assert_array_equal(one, 1.0)


def test_a_stretched_image_has_no_bars():
    maps = np.random.default_rng(0).random((3, 64, 64)).astype(np.float32)
    prepare = PrepareOptions(image_size=64)
    np.testing.assert_array_equal(without_bars(maps, SIZES, prepare), maps)
