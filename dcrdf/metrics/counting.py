"""How many pixels score below a defect pixel, exactly, without sorting all pixels.

AUROC, average precision and AUPRO need the pooled pixels only as counts below and at the scores
of the defect pixels, which are few. So: a fine histogram of all scores between the lowest and the
highest defect score; bins without any defect score are only counted; the pixels of those that
hold one, a share, are sorted. Every bin is an interval of scores, so nothing is approximated:
coarse bins only mean more pixels to sort, fine ones a table that leaves the processor's cache.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcrdf.metrics.inputs import FloatArray, IntArray, Maps

BINS_PER_VALUE = 5
FEWEST_BINS = 1 << 10
MOST_BINS = 1 << 22
BLOCK_PIXELS = 1 << 15


def count_pixels(maps: Maps, values: FloatArray, pixels: int) -> tuple[IntArray, IntArray]:
    """Pixels of all `maps` strictly below, and at most, each of `values`.

    `values` (M,) are distinct, ascending, finite, and of the common type of all maps; so are the
    maps finite. `pixels`: how many the maps hold. Extra memory: some MB (the table of bins: 21 at
    most) and twice the scores that are sorted.
    """
    if values.size == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    if values.dtype == np.float16:
        return _count_half(maps, values)
    return _count_binned(maps, values, pixels)


def _count_half(maps: Maps, values: FloatArray) -> tuple[IntArray, IntArray]:
    """A half-precision score is one of 65,536: count the bit patterns."""
    pattern_counts = np.zeros(1 << 16, dtype=np.int64)
    for block in _blocks(maps, np.dtype(np.float16)):
        np.add.at(pattern_counts, block.view(np.uint16), 1)
    present = np.flatnonzero(pattern_counts)
    scores = present.astype(np.uint16).view(np.float16)
    order = np.argsort(scores)
    ranked = np.concatenate((scores[order], [np.inf]), dtype=np.float16)
    return _look_up(ranked, values, pattern_counts[present[order]])


def _count_binned(maps: Maps, values: FloatArray, pixels: int) -> tuple[IntArray, IntArray]:
    bins = _Bins.over(values)
    value_bins = bins.of(values)
    holds_value = np.zeros(bins.count, dtype=np.bool_)
    holds_value[value_bins] = True
    counts = np.zeros(bins.count, dtype=_count_type(pixels))
    one = counts.dtype.type(1)  # of another type it would make `add.at` ten times slower
    unsorted: list[FloatArray] = [np.array([np.inf], dtype=values.dtype)]
    # Arrays made anew for every block would cost more than what is computed in them.
    positions = np.empty(BLOCK_PIXELS, dtype=values.dtype)
    indices = np.empty(BLOCK_PIXELS, dtype=np.intp)
    flags = np.empty(BLOCK_PIXELS, dtype=np.bool_)
    for block in _blocks(maps, values.dtype):
        block_bins = bins.of(block, positions[: block.size], indices[: block.size])
        np.add.at(counts, block_bins, one)
        # "wrap" since the default mode would write into a copy of `out`; no index is outside.
        to_sort = holds_value.take(block_bins, out=flags[: block.size], mode="wrap")
        unsorted.append(block.take(np.flatnonzero(to_sort)))
    counts[value_bins] = 0
    only_counted = np.cumsum(counts, dtype=np.int64)[value_bins]
    sorted_scores = np.concatenate(unsorted)
    unsorted.clear()
    sorted_scores.sort()
    below, at_most = _look_up(sorted_scores, values)
    return only_counted + below, only_counted + at_most


def _count_type(pixels: int) -> type[np.signedinteger[Any]]:
    """What can count to `pixels`, small since the table should fit into the processor's cache."""
    return np.int32 if pixels <= np.iinfo(np.int32).max else np.int64


def _look_up(
    sorted_scores: FloatArray, values: FloatArray, counts: IntArray | None = None
) -> tuple[IntArray, IntArray]:
    """Elements below and at most each value; `counts` says how often each element counts.

    Values are finite, and the last element is infinity: there is one above every value.
    """
    below = np.searchsorted(sorted_scores, values)
    # Most values occur once or not at all; the others are searched for again.
    at_most = below + (sorted_scores[below] == values)
    again = np.flatnonzero(sorted_scores[at_most] == values)
    at_most[again] = np.searchsorted(sorted_scores, values[again], side="right")
    if counts is None:
        return below, at_most
    cumulated = np.concatenate(([0], np.cumsum(counts)))
    return cumulated[below], cumulated[at_most]


@dataclass(frozen=True)
class _Bins:
    """Equal bins between two scores; the first and the last take what lies outside.

    `scale * score + offset` never decreases with the score, however it is rounded; that alone
    makes every bin an interval of scores, and the result exact.
    """

    count: int
    scale: np.floating[Any]
    offset: np.floating[Any]

    @classmethod
    def over(cls, values: FloatArray) -> "_Bins":
        count = min(MOST_BINS, max(FEWEST_BINS, values.size * BINS_PER_VALUE))
        low, span = float(values[0]), float(values[-1]) - float(values[0])
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            scale = values.dtype.type(np.float64(count - 3) / span)
            offset = values.dtype.type(1.0 - low * float(scale))
        if not (np.isfinite(scale) and np.isfinite(offset)):
            scale, offset = values.dtype.type(0), values.dtype.type(0)
        return cls(count, scale, offset)

    def of(
        self,
        scores: FloatArray,
        positions: FloatArray | None = None,
        indices: NDArray[np.intp] | None = None,
    ) -> NDArray[np.intp]:
        """The bin of each of `scores` (n,), written into `indices`; `positions` is for work."""
        with np.errstate(over="ignore"):
            positions = np.multiply(scores, self.scale, out=positions)
            positions += self.offset
        np.clip(positions, 0, self.count - 1, out=positions)
        if indices is None:
            return positions.astype(np.intp)
        np.copyto(indices, positions, casting="unsafe")
        return indices


def _blocks(maps: Maps, dtype: np.dtype) -> Iterator[FloatArray]:
    """All scores of all maps, some of one map at a time; views of maps that are contiguous."""
    for one in maps:
        scores = np.ravel(one)
        for start in range(0, scores.size, BLOCK_PIXELS):
            yield scores[start : start + BLOCK_PIXELS].astype(dtype, copy=False)
