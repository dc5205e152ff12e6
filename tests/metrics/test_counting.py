import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcrdf.metrics import counting
from dcrdf.metrics.counting import count_pixels


def brute_force(maps, values):
    everything = np.concatenate([np.ravel(one).astype(np.float64) for one in maps])
    below = [int((everything < value).sum()) for value in values.astype(np.float64)]
    at_most = [int((everything <= value).sum()) for value in values.astype(np.float64)]
    return below, at_most


def assert_counts(maps, values):
    below, at_most = count_pixels(maps, values, sum(np.size(one) for one in maps))
    assert (below.tolist(), at_most.tolist()) == brute_force(maps, values)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("count", [1, 2, 40, 3000])
def test_counts_over_many_blocks(dtype, count, monkeypatch):
    monkeypatch.setattr(counting, "BLOCK_PIXELS", 997)
    rng = np.random.default_rng(count)
    maps = [rng.normal(size=shape).astype(dtype) for shape in ((30, 50), (1, 1), (70, 61))]
    values = np.unique(rng.choice(np.concatenate([one.ravel() for one in maps]), count))
    assert_counts(maps, values)


@pytest.mark.parametrize("bins", [1, 4, 64, 1 << 18])
def test_counts_do_not_depend_on_the_bins(bins, monkeypatch):
    monkeypatch.setattr(counting, "FEWEST_BINS", bins)
    monkeypatch.setattr(counting, "MOST_BINS", bins)
    rng = np.random.default_rng(0)
    maps = np.round(rng.gamma(2.0, size=(3, 40, 40)), 2).astype(np.float32)
    assert_counts(maps, np.unique(maps[0, :9] + np.float32(0.5)))


@settings(max_examples=100, deadline=None)
@given(
    scores=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1),
    values=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1),
)
def test_any_finite_float(scores, values):
    """From denormals over -0.0 to scores whose span overflows their type."""
    maps = np.array(scores, dtype=np.float32).reshape(1, 1, -1)
    assert_counts(maps, np.unique(np.array(values, dtype=np.float32)))


def test_largest_and_smallest_floats():
    top, tiny = np.finfo(np.float64).max, np.finfo(np.float64).smallest_subnormal
    values = np.array([-top, -tiny, 0.0, tiny, 1.0, np.nextafter(1.0, 2.0), top])
    assert_counts(values[None, None, :], values)


def test_no_values():
    below, at_most = count_pixels(np.zeros((1, 2, 2)), np.empty(0), 4)
    assert below.size == at_most.size == 0


@pytest.mark.parametrize("pixels", [1, 2**31 - 1, 2**31, 2**40])
def test_counters_hold_all_pixels(pixels):
    assert np.iinfo(counting._count_type(pixels)).max >= pixels


def test_large_blocks_are_not_copied():
    maps = np.zeros((2, 10, counting.BLOCK_PIXELS // 4), dtype=np.float32)
    assert all(np.shares_memory(block, maps) for block in counting._blocks(maps, maps.dtype))


@pytest.mark.parametrize("turn", [np.transpose, np.flip, lambda one: one[::2, ::3]])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, ">f4"])
def test_counts_of_maps_in_any_layout(turn, dtype):
    scores = np.random.default_rng(0).normal(size=(40, 30)).astype(dtype)
    values = np.unique(scores.ravel()[:50]).astype(np.dtype(dtype).newbyteorder("="))
    assert_counts([turn(scores)], values)
