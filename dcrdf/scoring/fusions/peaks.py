"""Fusion by what blurred maps of good validation images reach at most (docs/method.md, 5)."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from dcrdf.detectors.maps import CROSSMODAL
from dcrdf.modalities import DEPTH, MODALITIES, OTHER
from dcrdf.scoring.branch_statistics import BranchStatistics
from dcrdf.scoring.fusions.base import Evidence, Fusion
from dcrdf.scoring.trust import belief

PEAK_ORDER = 3.0
"""The order of the norm that joins the two: the sum (1) would let content that is a little restless
in both modalities outrank a defect in one, the maximum (infinity) would not let defects add up."""
DISTRUST = 2.0
"""A modality that is unusual as a whole, by a factor, weighs less by this power of the factor."""


class PeakNorm(Fusion):
    """The norm of what both blurred maps exceed the part's mean by, in units of the usual maxima of
    good images: a branch that is restless on good parts weighs less, and a defect in one modality
    is not diluted. Every modality is believed."""

    def __call__(self, evidence: Evidence) -> Tensor:
        """(B, H, W)."""
        return self._joined(evidence, {}, None)

    def surplus(self, name: str, evidence: Evidence, factor: Tensor | None) -> Tensor | None:
        """By how much more than usual a map, less by the factor, may show in the images at hand,
        (B,); None: by nothing."""
        return None

    def _joined(
        self, evidence: Evidence, factors: Mapping[str, Tensor], heights: Tensor | None
    ) -> Tensor:
        def excess_of(name: str, maps: Tensor, factor: Tensor | None) -> Tensor:
            surplus = self.surplus(name, evidence, factor)
            return _excess(maps, self.statistics[name], factor, surplus)

        joined = []
        for name in MODALITIES:
            factor = factors.get(name)
            excess = excess_of(name, evidence.blurred.own[name], factor)
            crossmodal = evidence.blurred.crossmodal.get(name)
            if crossmodal is not None:
                asked = excess_of(CROSSMODAL[name], crossmodal, factor)
                excess = _mixed(asked, excess, factors.get(OTHER[name]))
            if name == DEPTH and heights is not None:
                excess = heights * excess
            joined.append(excess)
        return torch.stack(joined).norm(p=PEAK_ORDER, dim=0)


class PeakTrust(PeakNorm):
    """The same, which also asks the image at hand: a modality that is unusual as a whole, alone,
    counts less, and a crossmodal map stands for its branch's as far as the other modality is
    believed: one that is out of order has no say in it."""

    def __call__(self, evidence: Evidence) -> Tensor:
        """(B, H, W)."""
        return self._joined(evidence, evidence.trust.alone(), evidence.trust.heights)


class LevelTrust(PeakTrust):
    """The same, which also knows how loud good images are that show so much: a map is measured
    against what is usual in an image of its level, as far as good images support it."""

    def surplus(self, name: str, evidence: Evidence, factor: Tensor | None) -> Tensor | None:
        """(B,)."""
        levels = evidence.levels[name]
        return self.loudness[name].surplus(levels if factor is None else levels / factor)


def _excess(
    maps: Tensor, usual: BranchStatistics, factor: Tensor | None, surplus: Tensor | None
) -> Tensor:
    """Above the part's mean, and the surplus (B,) of such images, in units of the usual maxima;
    less by the factor (B,)."""
    unit = max(usual.peak_mean - usual.foreground_mean, float(np.finfo(np.float32).tiny))
    if factor is not None:
        factor = factor[:, None, None]
        maps = maps / factor
    if surplus is not None:
        maps = maps - surplus[:, None, None]
    excess = (maps - usual.foreground_mean).clamp_min(0.0) / unit
    return excess if factor is None else excess / factor**DISTRUST


def _mixed(asked: Tensor, alone: Tensor, factor_of_other: Tensor | None) -> Tensor:
    if factor_of_other is None:
        return asked
    share = belief(factor_of_other)[:, None, None]
    return share * asked + (1.0 - share) * alone
