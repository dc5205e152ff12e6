"""What was found in scans, in numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dcrdf.modalities import FUSED
from dcrdf.scans.readings import Readings

UNUSUAL = 1.25
"""From this factor on a modality has no say any more where it could do without: in the map of the
other modality, and where its heights were never measured. `predict` remarks on such images."""


@dataclass(frozen=True)
class Prediction:
    """Maps (B, H, W) float32 and image scores (B,) float64 by branch, `fused` among them.

    `unusual` (B,) of the branches: by how much the modality is unlike good validation images as a
    whole, 1 or more; far above one, light or sensor have changed, or all of the part.
    `not_judged` (B,): why a score is no ground for a verdict, in a sentence; empty where it is.
    `readings` (B,): what was counted of each scan for that; nothing where it is not known what is
    usual. `replaced` (B,): which modality was not trusted, why, and what is lost by it; empty where
    both were.
    """

    maps: Mapping[str, NDArray[np.float32]]
    scores: Mapping[str, NDArray[np.float64]]
    unusual: Mapping[str, NDArray[np.float64]]
    not_judged: Sequence[str]
    readings: Readings
    replaced: Sequence[str]

    def answered_by(
        self,
        other: Self,
        rows: NDArray[np.intp],
        rescaled: Callable[[NDArray[Any]], NDArray[Any]],
        remarks: Sequence[str],
    ) -> Self:
        """The same, but of some rows what another prediction of them alone says in the fused map
        and score, on this one's scale, and whether they are judged."""
        maps, scores = self.maps[FUSED].copy(), self.scores[FUSED].copy()
        maps[rows], scores[rows] = rescaled(other.maps[FUSED]), rescaled(other.scores[FUSED])
        not_judged, replaced = list(self.not_judged), list(self.replaced)
        for at, reason, remark in zip(rows, other.not_judged, remarks, strict=True):
            not_judged[at], replaced[at] = reason, remark
        return replace(
            self,
            maps={**self.maps, FUSED: maps},
            scores={**self.scores, FUSED: scores},
            not_judged=not_judged,
            replaced=replaced,
        )
