"""From resampled values of a metric to an interval and a p-value."""

from dataclasses import dataclass

import numpy as np

from dcrdf.metrics.inputs import BoolArray, Float64Array, checked_fraction


@dataclass(frozen=True)
class Interval:
    """A metric and the ends of its two-sided confidence interval; NaN if undefined."""

    estimate: float
    low: float
    high: float
    confidence: float


def percentile_interval(
    estimate: float, resampled: Float64Array, confidence: float = 0.95
) -> Interval:
    """The middle `confidence` of the resampled values; undefined (NaN) resamples are left out."""
    tail = 0.5 * (1.0 - checked_fraction(confidence, "confidence"))
    return _between(estimate, resampled, (tail, 1.0 - tail), confidence)


def bca_interval(
    estimate: float,
    resampled: Float64Array,
    left_out: Float64Array,
    labels: BoolArray,
    confidence: float = 0.95,
) -> Interval:
    """Bias-corrected and accelerated bootstrap interval (Efron 1987) for two kinds of images.

    `left_out` (images,) holds the metric without each image; `labels` tells which images are
    drawn together. Where the correction has no meaning (all resamples on one side of the estimate,
    or a value undefined without some image) it is the percentile interval.
    """
    from scipy.special import ndtr, ndtri

    tail = 0.5 * (1.0 - checked_fraction(confidence, "confidence"))
    defined = resampled[np.isfinite(resampled)]
    below = np.mean(defined < estimate) + 0.5 * np.mean(defined == estimate) if defined.size else 0
    acceleration = _acceleration(left_out, labels)
    if not (0.0 < below < 1.0 and np.isfinite(acceleration)):
        return percentile_interval(estimate, resampled, confidence)
    bias = ndtri(below)
    shifted = bias + ndtri(np.array([tail, 1.0 - tail]))
    low, high = ndtr(bias + shifted / (1.0 - acceleration * shifted))
    return _between(estimate, resampled, (low, high), confidence)


def _acceleration(left_out: Float64Array, labels: BoolArray) -> float:
    """Skewness of the influence of single images, summed over the kinds drawn apart."""
    cubes, squares = 0.0, 0.0
    for kind in (False, True):
        values = left_out[labels == kind]
        if values.size:
            influence = (values.size - 1) / values.size * (values.mean() - values)
            cubes += float((influence**3).sum())
            squares += float((influence**2).sum())
    if np.isnan(squares):
        return float("nan")
    return cubes / (6.0 * squares**1.5) if squares > 0 else 0.0


def _between(
    estimate: float, resampled: Float64Array, shares: tuple[float, float], confidence: float
) -> Interval:
    defined = resampled[np.isfinite(resampled)]
    if defined.size == 0 or not np.isfinite(estimate):
        return Interval(estimate, float("nan"), float("nan"), confidence)
    low, high = np.quantile(defined, shares)
    return Interval(estimate, float(low), float(high), confidence)


def two_sided_p_value(differences: Float64Array) -> float:
    """How often resampled differences lie on the rarer side of zero, doubled (at most 1).

    One is added to both counts, so that a finite number of resamples never gives zero.
    """
    defined = differences[np.isfinite(differences)]
    if defined.size == 0:
        return float("nan")
    rarer = min(int((defined <= 0).sum()), int((defined >= 0).sum()))
    return min(1.0, 2.0 * (rarer + 1) / (defined.size + 1))
