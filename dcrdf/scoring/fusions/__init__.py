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
from dcrdf.scoring.fusions.own import OwnFusion
from dcrdf.scoring.fusions.peaks import PeakNorm, PeakTrust
from dcrdf.scoring.fusions.zscores import ZscoreMaximum, ZscoreSum

__all__ = ["FUSIONS", "Evidence", "Fusion", "build_fusion"]

FUSIONS: Mapping[str, type[Fusion]] = {
    "avg": Average,
    "max": Maximum,
    "product": Product,
    "zscore_sum": ZscoreSum,
    "zscore_max": ZscoreMaximum,
    "peak_norm": PeakNorm,
    "peak_trust": PeakTrust,
    "rgb": ColourAlone,
    "depth": DepthAlone,
    "rgb_crossmodal": ColourCrossmodal,
    "depth_crossmodal": DepthCrossmodal,
}


def build_fusion(name: str, statistics: Statistics) -> Fusion:
    """The fusion of that name; any other name is that of a map which the detector fuses itself."""
    return FUSIONS.get(name, OwnFusion)(name, statistics)
