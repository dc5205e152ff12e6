"""The fusions by name: one file and one entry each."""

from collections.abc import Mapping

from dcrdf.scoring.fusions.base import Evidence, Fusion, Statistics
from dcrdf.scoring.fusions.fixed import (
    Average,
    ColourAlone,
    ColourCrossmodal,
    DepthAlone,
    DepthCrossmodal,
    Maximum,
    Product,
)
from dcrdf.scoring.fusions.one_class_svm import OneClassSvm
from dcrdf.scoring.fusions.own import OwnFusion
from dcrdf.scoring.fusions.peaks import LevelTrust, PeakNorm, PeakTrust
from dcrdf.scoring.fusions.zscores import ZscoreMaximum, ZscoreSum
from dcrdf.scoring.loudness import Loudness
from dcrdf.scoring.one_class_svm import Weights

__all__ = ["FUSIONS", "Evidence", "Fusion", "build_fusion"]

FUSIONS: Mapping[str, type[Fusion]] = {
    "avg": Average,
    "max": Maximum,
    "product": Product,
    "zscore_sum": ZscoreSum,
    "zscore_max": ZscoreMaximum,
    "peak_norm": PeakNorm,
    "peak_trust": PeakTrust,
    "level_trust": LevelTrust,
    "one_class_svm": OneClassSvm,
    "rgb": ColourAlone,
    "depth": DepthAlone,
    "rgb_crossmodal": ColourCrossmodal,
    "depth_crossmodal": DepthCrossmodal,
}


def build_fusion(
    name: str,
    statistics: Statistics,
    weights: Weights | None = None,
    loudness: Mapping[str, Loudness] | None = None,
) -> Fusion:
    """The fusion of that name; any other name is that of a map which the detector fuses itself."""
    return FUSIONS.get(name, OwnFusion)(name, statistics, weights, loudness)
