"""Fusions of z-scores by the maps of good validation images (docs/method.md, 5)."""

import torch
from torch import Tensor

from dcrdf.detectors.maps import CROSSMODAL
from dcrdf.modalities import DEPTH, RGB, Modality
from dcrdf.scoring.fusions.base import Evidence, Fusion


class _Zscores(Fusion):
    def usual(self, modality: Modality, evidence: Evidence) -> tuple[float, float]:
        """Mean and deviation of the map that is asked of a branch."""
        has_crossmodal = modality in evidence.raw.crossmodal
        return self.moments(CROSSMODAL[modality] if has_crossmodal else modality)

    def moments(self, name: str) -> tuple[float, float]:
        """Mean and deviation over all pixels of good images."""
        return self.statistics[name].mean, self.statistics[name].std

    def standardised(self, evidence: Evidence) -> tuple[Tensor, Tensor]:
        """Both maps less their mean, in deviations."""
        maps = evidence.raw.asked()
        moments = {name: self.usual(name, evidence) for name in (RGB, DEPTH)}
        rgb, depth = ((maps[name] - mean) / std for name, (mean, std) in moments.items())
        return rgb, depth


class ZscoreSum(_Zscores):
    """The sum of both z-scores (Crossmodal Reverse Distillation's fusion)."""

    def __call__(self, evidence: Evidence) -> Tensor:
        """(B, H, W)."""
        rgb, depth = self.standardised(evidence)
        return evidence.blur(rgb + depth)


class ZscoreMaximum(_Zscores):
    """The larger of both z-scores, by statistics of the part alone."""

    def moments(self, name: str) -> tuple[float, float]:
        """Mean and deviation over the parts of good images."""
        return self.statistics[name].foreground_mean, self.statistics[name].foreground_std

    def __call__(self, evidence: Evidence) -> Tensor:
        """(B, H, W)."""
        return evidence.blur(torch.maximum(*self.standardised(evidence)))
