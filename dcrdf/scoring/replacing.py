"""A modality that is there and not to be trusted: its scan is judged as if it had come without it.

The design's resilience for a line, where nobody tells the system that a sensor went bad. What such
a scan's map and score would be without the modality is told on the scale of both, its threshold
falling on theirs, so that scans of either kind stand in one table under one threshold.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dcrdf.errors import UserError
from dcrdf.judging.prediction import UNUSUAL
from dcrdf.judging.usual_scans import WORDS
from dcrdf.modalities import FUSED, MODALITIES, OTHER, Modality

Limits = Mapping[str, Any]
"""`threshold` of image scores and `map_median`, what is usual in maps, of good scans."""


@dataclass(frozen=True)
class Rescaling:
    """From one scale to another, both given by their thresholds: values above one's are above the
    other's."""

    own_threshold: float
    threshold: float
    factor: float

    @classmethod
    def between(cls, own: Limits, other: Limits) -> Self:
        """That takes one scale's threshold and usual value to the other's; ValueError where a
        threshold is not above what is usual, so that no order would be kept."""
        rises = [float(x["threshold"]) - float(x["map_median"]) for x in (own, other)]
        if not min(rises) > 0.0:
            raise ValueError("a threshold is not above the median of good maps")
        return cls(float(own["threshold"]), float(other["threshold"]), rises[1] / rises[0])

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of one scale told on the other, of the same type."""
        told: NDArray[Any] = self.threshold + self.factor * (values - self.own_threshold)
        return told.astype(values.dtype)


@dataclass(frozen=True)
class Replacing:
    """By the modality that is replaced, from the scale of what is left to that of both."""

    by_replaced: Mapping[Modality, Rescaling]

    @classmethod
    def of(cls, thresholds: Mapping[str, Limits], answering: Callable[[Modality], str]) -> Self:
        """From a model's thresholds; `answering` names whose counts without a modality.
        `UserError` where scales cannot be compared."""
        try:
            return cls(
                {
                    name: Rescaling.between(thresholds[answering(name)], thresholds[FUSED])
                    for name in MODALITIES
                }
            )
        except ValueError as error:
            raise UserError(f"infer.replace_unusual: {error}; leave it out") from None


def replaced_ones(
    unusual: Mapping[Modality, NDArray[np.float64]],
    reasons: Sequence[Mapping[Modality, str]],
) -> list[dict[Modality, str]]:
    """Of N scans the modality that is not to be trusted, and why; nothing where neither is, and
    where both are: nothing is left then to judge by.

    `unusual` (N,) by modality: by how much it is unlike good scans as a whole. What both share is
    another part rather than a bad sensor, unless `reasons` (N), what readings say against them,
    tell that one shows nothing to be shared.
    """
    found = []
    for at, said in enumerate(reasons):
        amiss = dict(said)
        shared = 1.0 if said else min((x[at] for x in unusual.values()), default=1.0)
        for name, factors in unusual.items():
            factor = factors[at] / shared
            if factor >= UNUSUAL and name not in amiss:
                amiss[name] = (
                    f"its {WORDS[name]} is as a whole {factor:.3g} times as unusual as on any good"
                    " part"
                )
        found.append(amiss if len(amiss) == 1 else {})
    return found


def remark_of(replaced: Modality, reason: str, *, is_stood_in: bool) -> str:
    """What was replaced, why, by what, and what is lost."""
    lost, left = WORDS[replaced], WORDS[OTHER[replaced]]
    answer = f"{left}, and what it tells of {lost}, answer" if is_stood_in else f"{left} answers"
    return f"judged without {lost}: {reason}; {answer}, defects that only {lost} shows are missed"
