"""Confidence of every metric: bootstrap over images, and a paired test between two runs.

A resample draws as many good and as many defect images as the split has, with replacement, each
kind from its own (how many of each a benchmark holds is its authors' choice, not chance; and no
resample is without a defect). An image drawn twice counts twice, with all its pixels and regions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dcrdf.errors import UserError
from dcrdf.metrics.evaluation import LIMITS, checked_images
from dcrdf.metrics.inputs import (
    BoolArray,
    Float64Array,
    FloatArray,
    Maps,
    Masks,
    checked_limits,
    checked_whole,
)
from dcrdf.metrics.intervals import (
    Interval,
    bca_interval,
    percentile_interval,
    two_sided_p_value,
)
from dcrdf.metrics.ranking import (
    auroc_from_counts,
    average_precision_from_counts,
    count_alarms,
    f1_from_counts,
)
from dcrdf.metrics.weighted_pixels import weighted_pixel_metrics


@dataclass(frozen=True)
class Bootstrap:
    """What each metric is, and what it was on each resample and with each image left out."""

    estimates: dict[str, float]
    resampled: dict[str, Float64Array]
    """Metric -> (resamples,); NaN where a resample leaves it undefined."""
    left_out: dict[str, Float64Array]
    """Metric -> (images,), its value without that image."""
    labels: BoolArray
    seed: int

    def interval(self, metric: str, confidence: float = 0.95) -> Interval:
        """Bias-corrected and accelerated interval of one metric (see `bca_interval`)."""
        return bca_interval(
            self.estimates[metric],
            self.resampled[metric],
            self.left_out[metric],
            self.labels,
            confidence,
        )

    def intervals(self, confidence: float = 0.95) -> dict[str, Interval]:
        """The interval of every metric."""
        return {metric: self.interval(metric, confidence) for metric in self.estimates}


@dataclass(frozen=True)
class Difference:
    """One metric of one run minus the same of another, on the same resamples."""

    interval: Interval
    p_value: float
    """Two-sided, for no difference; NaN if the metric is undefined."""


def bootstrap(
    maps: Maps,
    masks: Masks,
    image_scores: Any,
    labels: Any,
    limits: float | Sequence[float] = LIMITS,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Bootstrap:
    """Every metric of `evaluate` on `resamples` resamples of the images; same arguments, errors.

    Exact on each resample: equal to evaluating the drawn images anew. Memory beyond the maps: one
    copy of them (float32 at least) and some 30 MB. The same seed, labels and number of resamples
    draw the same images, whatever the maps.
    """
    scores, is_defect = checked_images(maps, image_scores, labels)
    areas = checked_limits(limits)
    resamples = checked_whole(resamples, "resamples", 1)
    seed = checked_whole(seed, "seed", 0)
    weights = np.concatenate(
        (
            np.ones((1, is_defect.size)),
            resample_weights(is_defect, resamples, seed),
            1.0 - np.eye(is_defect.size),
        )
    )
    rows = _image_metrics(scores, is_defect, weights)
    rows |= weighted_pixel_metrics(maps, masks, areas, weights)
    return Bootstrap(
        estimates={metric: float(values[0]) for metric, values in rows.items()},
        resampled={metric: values[1 : 1 + resamples] for metric, values in rows.items()},
        left_out={metric: values[1 + resamples :] for metric, values in rows.items()},
        labels=is_defect,
        seed=seed,
    )


def compare(first: Bootstrap, second: Bootstrap, confidence: float = 0.95) -> dict[str, Difference]:
    """`first` minus `second` for every metric that both have: percentile interval and p-value.

    Both must come from the same test images in the same order, and from the same seed and number
    of resamples; UserError otherwise.
    """
    if not np.array_equal(first.labels, second.labels):
        raise UserError("compare: the runs have different labels; give the same images in order")
    metrics = [metric for metric in first.estimates if metric in second.estimates]
    sizes = {run.resampled[metric].size for run in (first, second) for metric in metrics}
    if first.seed != second.seed or len(sizes) > 1:
        raise UserError("compare: the runs differ in seed or resamples; bootstrap them alike")
    return {metric: _difference(first, second, metric, confidence) for metric in metrics}


def _difference(first: Bootstrap, second: Bootstrap, metric: str, confidence: float) -> Difference:
    resampled = first.resampled[metric] - second.resampled[metric]
    difference = first.estimates[metric] - second.estimates[metric]
    # Not BCa: the biases of the two runs cancel, and it rejects equal runs too often.
    interval = percentile_interval(difference, resampled, confidence)
    return Difference(interval, two_sided_p_value(resampled))


def resample_weights(labels: BoolArray, resamples: int, seed: int) -> Float64Array:
    """How often each image is drawn: (resamples, images), good and defect drawn apart."""
    generator = np.random.default_rng(seed)
    weights = np.zeros((resamples, labels.size))
    for kind in (False, True):
        members = np.flatnonzero(labels == kind)
        if members.size:
            chances = np.full(members.size, 1.0 / members.size)
            weights[:, members] = generator.multinomial(members.size, chances, size=resamples)
    return weights


def _image_metrics(
    scores: FloatArray, labels: BoolArray, weights: Float64Array
) -> dict[str, Float64Array]:
    counts = count_alarms(scores, labels, weights)
    return {
        "i_auroc": auroc_from_counts(counts),
        "i_ap": average_precision_from_counts(counts),
        "i_f1max": f1_from_counts(counts).max(axis=-1),
    }
