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
    ranking = field * clean.strength
    inside = ranking.ravel()[clean.inside]

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

    The weights take no part in the ranking, so that pieces lie anywhere on the part.
    """
    inside = field.ravel()[clean.inside]
    pieces = int(rng.integers(1, PIECES_MAX + 1))
    keys = rng.random(len(clean.rgb) ** 2 // 4)

    def at(level: float) -> FloatImage:
        closed = _closed(clean, field, quantile_of(inside, level))
        return _keep_pieces(clean, closed, pieces, shares[1], keys)

    return _within(at, clean, quantile, shares)


def quantile_of(values: NDArray[np.float32], level: float) -> float:
    """The value at rank floor(level * (n - 1)), but always with a value above it if any is.

    A sparse sample bounds the wanted value from below, so that only the largest few are ranked.
    """
    count = len(values)
    if count < 2:
        return -np.inf
    rank = min(int(level * (count - 1)), count - 2)
    sample = values[::SAMPLE_STEP]
    bound_rank = int(0.97 * rank / SAMPLE_STEP)
    bound = np.partition(sample, bound_rank)[bound_rank]
    largest = values[values > bound]
    below = count - len(largest)
    if rank < below:
        return float(np.partition(values, rank)[rank])
    return float(np.partition(largest, rank - below)[rank - below])


def changed_share(clean: CleanSample, soft: FloatImage) -> float:
    """Pixels with M > 0.5 relative to the part's."""
    return np.count_nonzero(soft > 0.5) / clean.part_px


def _closed(clean: CleanSample, ranking: FloatImage, threshold: float) -> FloatImage:
    """close_3x3(M_s [U > theta])."""
    marked = clean.spatial * (ranking > threshold)
    return np.asarray(cv2.morphologyEx(marked, cv2.MORPH_CLOSE, SQUARE_3))


def _within(
    mask_at: Callable[[float], FloatImage], clean: CleanSample, level: float, shares: Shares
) -> FloatImage:
    """The first mask whose share lies in `shares`, moving the quantile level towards it."""
    low, high = shares
    best = soft = mask_at(level)
    for _ in range(ATTEMPTS):
        share = changed_share(clean, soft)
        if low <= share <= high:
            return soft
        if share > 0.0:
            best = soft
        aim = 0.95 * high if share > high else 1.05 * low
        factor = np.clip(aim / max(share, 1e-9), 0.25, 2.0)
        level = max(1.0 - (1.0 - level) * factor, 0.0)
        soft = mask_at(level)
    return soft if changed_share(clean, soft) > 0.0 else best


def _keep_pieces(
    clean: CleanSample,
    soft: FloatImage,
    pieces: int,
    share_max: float,
    keys: NDArray[np.float64],
) -> FloatImage:
    """At most `pieces` connected pieces in the order of their random keys."""
    marked = soft > 0.0
    count, labels = cv2.connectedComponentsWithAlgorithm(
        marked.view(np.uint8), 8, cv2.CV_16U, cv2.CCL_DEFAULT
    )
    marked_labels = labels[marked]
    area_px = np.bincount(marked_labels, minlength=count)
    room_px = share_max * clean.part_px
    smallest_px = min(PIECE_MIN_SHARE * len(clean.rgb) ** 2, 0.1 * room_px)
    kept = np.zeros(count, dtype=np.float32)
    for label in 1 + np.argsort(keys[: count - 1]):
        if kept.sum() < pieces and smallest_px <= area_px[label] <= room_px:
            kept[label] = 1.0
            room_px -= area_px[label]
    pieces_only = np.zeros_like(soft)
    pieces_only[marked] = soft[marked] * kept[marked_labels]
    return pieces_only
