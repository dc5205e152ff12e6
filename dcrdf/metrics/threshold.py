"""A threshold for good / defect from the image scores of held-back good images alone."""

from dataclasses import dataclass, replace
from math import ceil, log, log1p
from typing import Any

import numpy as np

from dcrdf.metrics.inputs import FloatArray, checked_fraction, checked_scores


@dataclass(frozen=True)
class FalseAlarmThreshold:
    """`score > threshold` is a defect; what that means for new good images."""

    threshold: float
    requested_rate: float
    expected_rate: float
    """Mean share of new good images that raise a false alarm (at most, if scores tie)."""
    upper_rate: float
    """The share is below this with the given confidence."""
    confidence: float
    validation_images: int
    note: str
    """One plain line for the user: what to expect, or how many images a certificate needs."""


def false_alarm_threshold(
    validation_scores: Any, rate: float, confidence: float = 0.95
) -> FalseAlarmThreshold:
    """The lowest validation score that, as a threshold, keeps false alarms to `rate`.

    Distribution-free: above the k-th highest of n scores of good images lies a share of all good
    images that is Beta(k, n + 1 - k) distributed (Wilks 1941), with mean k / (n + 1). k is the
    largest with a share of at most `rate` in `confidence` of all cases. If n is too small for any
    (8 images cannot certify 1 %), the highest score is taken and `note` says so. Ties only lower
    the rate. Raises UserError for empty or non-finite scores and a rate outside (0, 1).
    """
    scores = np.sort(checked_scores(validation_scores, "validation_scores"))
    checked_fraction(rate, "rate")
    checked_fraction(confidence, "confidence")
    upper_rates = _upper_rates(scores.size, confidence)
    rank = max(int(np.count_nonzero(upper_rates <= rate)), 1)
    threshold = FalseAlarmThreshold(
        threshold=float(scores[-rank]),
        requested_rate=float(rate),
        expected_rate=rank / (scores.size + 1),
        upper_rate=float(upper_rates[rank - 1]),
        confidence=float(confidence),
        validation_images=int(scores.size),
        note="",
    )
    return replace(threshold, note=_note(threshold, rank))


def images_needed(rate: float, confidence: float = 0.95) -> int:
    """Good images from which their highest score certifies `rate`: 1 - (1 - c)^(1/n) <= rate."""
    return ceil(log(1.0 - confidence) / log1p(-rate))


def _upper_rates(images: int, confidence: float) -> FloatArray:
    """Upper bound of the false-alarm rate above the 1st, 2nd, ... highest score: ascending."""
    from scipy.special import betaincinv

    rank = np.arange(1, images + 1)
    return np.asarray(betaincinv(rank, images + 1 - rank, confidence))


def _note(chosen: FalseAlarmThreshold, rank: int) -> str:
    outlook = (
        f"expect {_percent(chosen.expected_rate)} false alarms, "
        f"at most {_percent(chosen.upper_rate)} with {_percent(chosen.confidence)} confidence"
    )
    count = chosen.validation_images
    images = f"{count} good validation image{'' if count == 1 else 's'}"
    if chosen.upper_rate <= chosen.requested_rate:
        place = "highest" if rank == 1 else f"{rank}. highest"
        return f"the {place} score of {images}: {outlook}"
    needed = images_needed(chosen.requested_rate, chosen.confidence)
    return (
        f"{images} cannot certify a false-alarm rate of {_percent(chosen.requested_rate)} "
        f"({needed} would be needed); the highest score is taken: {outlook}"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
