"""Which pixels change: the thresholded field (paper eq. 4-5), whole or a few pieces of it."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.anomalies.arrays import FloatImage
from dcrdf.anomalies.clean import CleanSample

SQUARE_3 = np.ones((3, 3), dtype=np.uint8)
ATTEMPTS = 10
PIECE_MIN_SHARE = 5e-4
"""Smallest piece of a `blobs` mask, of the image: 32 px at 256 x 256."""
PIECES_MAX = 3
SAMPLE_STEP = 32

Shares = tuple[float, float]


def literal_mask(
    clean: CleanSample, field: FloatImage, quantile: float, shares: Shares
) -> FloatImage:
    """The soft mask M of eq. 4-5 in the sample's window.

    U = sigmoid(P~ T_hat w_edge) is ranked by its argument: the sigmoid changes no order. The
    quantile moves where the changed share of the part would leave `shares`.
    """
    ranking = field * clean.weight
    inside = _inside(clean, ranking)

    def at(level: float) -> FloatImage:
        return _closed(clean, ranking, quantile_of(inside, level))

    return _within(at, clean, quantile, shares)


def blob_mask(
    clean: CleanSample,
    field: FloatImage,
    quantile: float,
    shares: Shares,
    rng: np.random.Generator,
) -> FloatImage:
    """One to three connected pieces of the thresholded field P~ in the sample's window.

    The weights take no part in the ranking, so that pieces lie anywhere on the part, and the
    faint band outside the part is left out.
    """
    inside = _inside(clean, field)
    pieces = int(rng.integers(1, PIECES_MAX + 1))
    total_px = shares[0] * clean.part_px
    piece_px = min(PIECE_MIN_SHARE * len(clean.rgb) ** 2, total_px)

    def at(level: float) -> FloatImage:
        closed = _closed(clean, field, quantile_of(inside, level))
        return _some_pieces(closed, pieces, piece_px, total_px, rng)

    return _within(at, clean, quantile, shares)


def quantile_of(values: NDArray[np.float32], level: float) -> np.float32:
    """The value at rank floor(level * (n - 1)), or just under the maximum where that is it.

    A sparse sample bounds the wanted value from below, so that only the largest few are ranked.
    """
    below_maximum = np.nextafter(values.max(), np.float32(-np.inf))
    rank = int(level * (len(values) - 1))
    sample = values[::SAMPLE_STEP]
    bound_rank = int(0.97 * rank / SAMPLE_STEP)
    bound = np.partition(sample, bound_rank)[bound_rank]
    largest = values[values > bound]
    smaller = len(values) - len(largest)
    if rank < smaller:
        largest, smaller = values, 0
    value = np.partition(largest, rank - smaller)[rank - smaller]
    return np.minimum(value, below_maximum)


def changed_share(clean: CleanSample, soft: FloatImage) -> float:
    """Pixels with M > 0.5 relative to the part's."""
    return np.count_nonzero(soft > 0.5) / clean.part_px


def _inside(clean: CleanSample, image: FloatImage) -> NDArray[np.float32]:
    """The values where M_s > 0.5."""
    values = image.ravel()
    return values if len(clean.inside) == values.size else values[clean.inside]


def _closed(clean: CleanSample, ranking: FloatImage, threshold: np.float32) -> FloatImage:
    """close_3x3(M_s [U > theta])."""
    if clean.solid:
        binary = (ranking > threshold).view(np.uint8)
        return cv2.morphologyEx(binary, cv2.MORPH_CLOSE, SQUARE_3).astype(np.float32)
    _, marked = cv2.threshold(ranking, float(threshold), 1.0, cv2.THRESH_BINARY)
    marked *= clean.spatial
    return np.asarray(cv2.morphologyEx(marked, cv2.MORPH_CLOSE, SQUARE_3))


def _within(
    mask_at: Callable[[float], FloatImage], clean: CleanSample, level: float, shares: Shares
) -> FloatImage:
    """The first mask whose share lies in `shares`, moving the quantile level towards it.

    Where no attempt succeeds (a part of a few pixels) the nearest one that is not empty.
    """
    low, high = shares[0], max(shares[1], 1.0 / clean.part_px)
    nearest, distance = None, np.inf
    for _ in range(ATTEMPTS):
        soft = mask_at(level)
        share = changed_share(clean, soft)
        factor = 2.0
        if share > 0.0:
            if low <= share <= high:
                return soft
            aim = 0.95 * high if share > high else 1.05 * low
            if abs(np.log(share / aim)) < distance:
                nearest, distance = soft, abs(np.log(share / aim))
            factor = min(max(aim / share, 0.25), 2.0)
        level = max(1.0 - factor * max(1.0 - level, low, 1.0 / clean.part_px), 0.0)
    return mask_at(0.0) if nearest is None else nearest


def _some_pieces(
    soft: FloatImage, pieces: int, piece_px: float, total_px: float, rng: np.random.Generator
) -> FloatImage:
    """Random connected pieces of M > 0.5 of at least `piece_px`, large ones likelier.

    More than `pieces` are taken, up to `PIECES_MAX`, where that reaches `total_px` in all.
    """
    marked = soft > 0.5
    count, labels = cv2.connectedComponents(marked.view(np.uint8), connectivity=8)
    marked_labels = labels[marked]
    area_px = np.bincount(marked_labels, minlength=count)[1:]
    order = np.argsort(rng.standard_exponential(count - 1) / area_px)
    order = order[area_px[order] >= piece_px][:PIECES_MAX]
    enough = int(np.searchsorted(np.cumsum(area_px[order]), total_px)) + 1
    kept = np.zeros(count, dtype=np.float32)
    kept[1 + order[: max(pieces, enough)]] = 1.0
    some = np.zeros_like(soft)
    some[marked] = soft[marked] * kept[marked_labels]
    return some
