"""How well scores rank defects above good ones: AUROC, average precision, best F1. Exact.

An alarm is `score >= threshold`; equal scores are one threshold. The measures are written on
counts along the last axis, so that one line serves a single set and a stack of resamples.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcrdf.metrics.inputs import (
    BoolArray,
    Float64Array,
    FloatArray,
    checked_labels,
    checked_scores,
)
from dcrdf.metrics.undefined import undefined


@dataclass(frozen=True)
class AlarmCounts:
    """Alarms at every distinct score, highest threshold first: (T,), or (..., T) if weighted."""

    thresholds: FloatArray
    true_positives: NDArray[Any]
    false_positives: NDArray[Any]


def count_alarms(
    scores: FloatArray, labels: BoolArray, weights: Float64Array | None = None
) -> AlarmCounts:
    """Alarm counts of `scores` (n,) with `labels` (n,); `weights` (..., n) counts an element so
    many times. Without weights the counts are int64."""
    order = np.argsort(scores, kind="stable")[::-1]
    ranked_scores, ranked_labels = scores[order], labels[order]
    last_of_tie = np.append(np.flatnonzero(ranked_scores[1:] != ranked_scores[:-1]), order.size - 1)
    if weights is None:
        true_positives = np.cumsum(ranked_labels, dtype=np.int64)[last_of_tie]
        false_positives: NDArray[Any] = last_of_tie + 1 - true_positives
    else:
        ranked_weights = weights[..., order]
        true_positives = np.cumsum(ranked_weights * ranked_labels, axis=-1)[..., last_of_tie]
        false_positives = np.cumsum(ranked_weights * ~ranked_labels, axis=-1)[..., last_of_tie]
    return AlarmCounts(ranked_scores[last_of_tie], true_positives, false_positives)


def auroc_from_counts(counts: AlarmCounts) -> Float64Array:
    """Area under the ROC curve by trapezoids, which count a tie as one half."""
    before = np.zeros_like(counts.true_positives[..., :1])
    hits = counts.true_positives
    doubled_height = hits + np.concatenate((before, hits[..., :-1]), axis=-1)
    width = np.diff(counts.false_positives, axis=-1, prepend=before)
    pairs = hits[..., -1] * counts.false_positives[..., -1]
    return _ratio((doubled_height * width).sum(axis=-1), 2 * pairs)


def average_precision_from_counts(counts: AlarmCounts) -> Float64Array:
    """Sum of precision times gain in recall over the thresholds."""
    hits = counts.true_positives
    gained = np.diff(hits, axis=-1, prepend=np.zeros_like(hits[..., :1]))
    precision = _ratio(hits, hits + counts.false_positives, where_empty=0.0)
    defined = np.where(counts.false_positives[..., -1] > 0, hits[..., -1], 0)
    return _ratio((gained * precision).sum(axis=-1), defined)


def f1_from_counts(counts: AlarmCounts) -> Float64Array:
    """F1 = 2 TP / (2 TP + FP + FN) at every threshold."""
    hits, false_alarms = counts.true_positives, counts.false_positives
    defined = np.where(false_alarms[..., -1:] > 0, hits[..., -1:], 0)
    return _ratio(2 * hits, np.where(defined > 0, hits + false_alarms + defined, 0))


def _ratio(
    numerator: NDArray[Any], denominator: NDArray[Any], where_empty: float = np.nan
) -> Float64Array:
    result = np.full(np.broadcast(numerator, denominator).shape, where_empty)
    np.divide(numerator, denominator, out=result, where=np.asarray(denominator) > 0)
    return result


def auroc(scores: Any, labels: Any) -> float:
    """Area under the ROC curve of `scores` for `labels` (same shape; True or 1 is defect).

    NaN with an `UndefinedMetricWarning` unless both classes are present. Raises UserError for
    empty, non-finite or mismatched input. Pooled pixels are cheaper through `evaluate`.
    """
    counts = _checked_counts("AUROC", scores, labels)
    return float("nan") if counts is None else float(auroc_from_counts(counts))


def average_precision(scores: Any, labels: Any) -> float:
    """Average precision (no interpolation); same arguments and errors as `auroc`."""
    counts = _checked_counts("average precision", scores, labels)
    return float("nan") if counts is None else float(average_precision_from_counts(counts))


def f1_max(scores: Any, labels: Any) -> float:
    """The best F1 over all thresholds; same arguments and errors as `auroc`."""
    return f1_max_threshold(scores, labels)[0]


def f1_max_threshold(scores: Any, labels: Any) -> tuple[float, float]:
    """The best F1 and its threshold (`score >= threshold` is an alarm; the highest if several)."""
    counts = _checked_counts("F1-max", scores, labels)
    if counts is None:
        return float("nan"), float("nan")
    f1 = f1_from_counts(counts)
    best = int(np.argmax(f1))
    return float(f1[best]), float(counts.thresholds[best])


def _checked_counts(metric: str, scores: Any, labels: Any) -> AlarmCounts | None:
    flat_scores = checked_scores(scores)
    flat_labels = checked_labels(labels, np.shape(scores))
    if flat_labels.all() or not flat_labels.any():
        undefined(metric, f"all {flat_labels.size} are {'defect' if flat_labels[0] else 'good'}")
        return None
    return count_alarms(flat_scores, flat_labels)
