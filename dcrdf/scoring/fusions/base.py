"""The contract of a fusion: both modalities' maps -> one map."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import Tensor

from dcrdf.detectors.maps import Maps
from dcrdf.scoring.branch_statistics import BranchStatistics
from dcrdf.scoring.loudness import Loudness
from dcrdf.scoring.one_class_svm import Weights
from dcrdf.scoring.trust import Trust

Statistics = Mapping[str, BranchStatistics]
"""Of the maps of good images by the maps' names (`Maps.by_branch`)."""


class Evidence(NamedTuple):
    """What is known of B scans that have both modalities: the detector's raw maps, the same
    blurred, the blur, how far each modality is believed, and how loud each blurred map is as a
    whole, (B,), by the maps' names."""

    raw: Maps
    blurred: Maps
    blur: Callable[[Tensor], Tensor]
    trust: Trust
    levels: Mapping[str, Tensor]


class Fusion(ABC):
    """Joins maps; knows what good images are like from their statistics alone, so that it can be
    built anew from a model's JSON."""

    def __init__(
        self,
        name: str,
        statistics: Statistics,
        weights: Weights | None = None,
        loudness: Mapping[str, Loudness] | None = None,
    ) -> None:
        self.name = name
        self.statistics = statistics
        self.weights = weights
        self.loudness = loudness or {}

    @abstractmethod
    def __call__(self, evidence: Evidence) -> Tensor:
        """The fused map (B, H, W), blurred."""
