"""The encoding of cells against a double loop of its formula."""

import math

import pytest
import torch

from dcrdf.detectors.flow_distillation.positional import sine_encoding


@pytest.mark.parametrize(("rows", "columns", "channels"), [(3, 5, 32), (2, 2, 4), (6, 4, 16)])
def test_against_the_formula(rows, columns, channels):
    half = channels // 2
    found = sine_encoding(rows, columns, channels)
    assert found.shape == (channels, rows, columns)
    assert found.dtype == torch.float32
    for row in range(rows):
        for column in range(columns):
            for k in range(half // 2):
                w = 10_000 ** (-2 * k / half)
                expected = (
                    math.sin(column * w), math.cos(column * w), math.sin(row * w), math.cos(row * w)
                )  # fmt: skip
                channels_of_k = [2 * k, 2 * k + 1, half + 2 * k, half + 2 * k + 1]
                assert found[channels_of_k, row, column].tolist() == pytest.approx(
                    expected, abs=1e-6
                )


def test_no_two_cells_are_alike():
    cells = sine_encoding(48, 48, 32).flatten(1).T.double()
    apart = torch.cdist(cells, cells).fill_diagonal_(1.0)
    assert apart.min() > 1e-3


def test_channels_that_do_not_pair_are_refused():
    with pytest.raises(ValueError, match="multiple of 4"):
        sine_encoding(4, 4, 6)
