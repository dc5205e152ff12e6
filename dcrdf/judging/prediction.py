"""What was found in scans, in numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    usual.
    """

    maps: Mapping[str, NDArray[np.float32]]
    scores: Mapping[str, NDArray[np.float64]]
    unusual: Mapping[str, NDArray[np.float64]]
    not_judged: Sequence[str]
    readings: Readings
