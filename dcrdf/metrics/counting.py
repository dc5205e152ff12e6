"""How many pixels score below a defect pixel, exactly, without sorting all pixels.

AUROC, average precision and AUPRO need the pooled pixels only as counts below and at the scores
of the defect pixels, which are few. So: a fine histogram of all scores between the lowest and the
highest defect score; bins without any defect score are only counted, gap by gap between those
that hold one; the pixels of these, a small share, are sorted. Every bin is an interval of scores,
so nothing is approximated: coarse bins only mean more pixels to sort.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dcrdf.metrics.inputs import FloatArray, IntArray, Maps

BINS_PER_VALUE = 16
FEWEST_BINS = 1 << 10
MOST_BINS = 1 << 22
CHUNK_PIXELS = 1 << 16


def count_pixels(maps: Maps, values: FloatArray) -> tuple[IntArray, IntArray]:
    """Pixels of all `maps` strictly below, and at most, each of `values`.

    `values` (M,) are distinct, ascending, finite, and of the common type of all maps; so are the
    maps finite. Extra memory: some MB (bins: 16 at most) and twice the scores that are sorted.
    """
    if values.size == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    if values.dtype == np.float16:
        return _count_half(maps, values)
    return _count_binned(maps, values)


def _count_half(maps: Maps, values: FloatArray) -> tuple[IntArray, IntArray]:
    """A half-precision score is one of 65,536: count the bit patterns."""
    pattern_counts = np.zeros(1 << 16, dtype=np.int64)
    for chunk in _chunks(maps, np.dtype(np.float16)):
        pattern_counts += np.bincount(chunk.view(np.uint16), minlength=1 << 16)
    present = np.flatnonzero(pattern_counts)
    scores = present.astype(np.uint16).view(np.float16)
    order = np.argsort(scores)
    return _look_up(scores[order], values, pattern_counts[present[order]])


def _count_binned(maps: Maps, values: FloatArray) -> tuple[IntArray, IntArray]:
    bins = _Bins.over(values)
    value_bins = bins.of(values)
    holds_value = np.zeros(bins.count, dtype=np.bool_)
    holds_value[value_bins] = True
    gap = np.cumsum(holds_value, dtype=np.int32)
    to_sort = gap[-1] + 1
    value_gap = gap[value_bins]
    gap[holds_value] = to_sort
    gap_counts = np.zeros(to_sort + 1, dtype=np.int64)
    unsorted: list[FloatArray] = []
    for chunk in _chunks(maps, values.dtype):
        chunk_gaps = gap.take(bins.of(chunk))
        gap_counts += np.bincount(chunk_gaps, minlength=gap_counts.size)
        unsorted.append(chunk[chunk_gaps == to_sort])
    only_counted = np.cumsum(gap_counts)[value_gap - 1]
    sorted_scores = np.concatenate(unsorted)
    unsorted.clear()
    sorted_scores.sort()
    below, at_most = _look_up(sorted_scores, values)
    return only_counted + below, only_counted + at_most


def _look_up(
    sorted_scores: FloatArray, values: FloatArray, counts: IntArray | None = None
) -> tuple[IntArray, IntArray]:
    """Elements below and at most each value; `counts` says how often each element counts."""
    below = np.searchsorted(sorted_scores, values, side="left")
    at_most = np.searchsorted(sorted_scores, values, side="right")
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
        count = min(MOST_BINS, max(FEWEST_BINS, 1 << (values.size * BINS_PER_VALUE).bit_length()))
        low, span = float(values[0]), float(values[-1]) - float(values[0])
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            scale = values.dtype.type(np.float64(count - 3) / span)
            offset = values.dtype.type(1.0 - low * float(scale))
        if not (np.isfinite(scale) and np.isfinite(offset)):
            scale, offset = values.dtype.type(0), values.dtype.type(0)
        return cls(count, scale, offset)

    def of(self, scores: FloatArray) -> IntArray:
        with np.errstate(over="ignore"):
            position = scores * self.scale
            position += self.offset
        np.clip(position, 0, self.count - 1, out=position)
        return position.astype(np.intp)


def _chunks(maps: Maps, dtype: np.dtype) -> Iterator[FloatArray]:
    """All scores of all maps, a buffer full at a time; the buffer is used again."""
    buffer = np.empty(CHUNK_PIXELS, dtype=dtype)
    filled = 0
    for one in maps:
        scores = np.ravel(one)
        taken = 0
        while taken < scores.size:
            count = min(buffer.size - filled, scores.size - taken)
            buffer[filled : filled + count] = scores[taken : taken + count]
            filled, taken = filled + count, taken + count
            if filled == buffer.size:
                yield buffer
                filled = 0
    if filled:
        yield buffer[:filled]
