"""Fusion by what blurred maps of good validation images reach at most (docs/method.md, 5)."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from dcrdf.detectors.base import BRANCHES, CROSSMODAL, OTHER_BRANCH
from dcrdf.scoring.branch_statistics import BranchStatistics
from dcrdf.scoring.trust import Trust, say

PEAK_FUSIONS = ("peak_norm", "peak_trust")
PEAK_ORDER = 3.0
"""The order of the norm that joins the two: the sum (1) would let content that is a little restless
in both modalities outrank a defect in one, the maximum (infinity) would not let defects add up."""
DISTRUST = 2.0
"""A modality that is unusual as a whole, by a factor, weighs less by this power of the factor."""


def fuse_by_peaks(
    blurred: Mapping[str, Tensor],
    statistics: Mapping[str, BranchStatistics],
    trust: Trust | None,
) -> Tensor:
    """Blurred maps (B, H, W) of both branches, and the crossmodal ones where there are some -> the
    fused map. Without `trust` every modality is believed.

    Each map counts by its excess over the part's mean in units of the usual maxima of good images:
    a branch that is restless on good parts weighs less, and a defect in one modality is not
    diluted. A crossmodal map stands for its branch's as far as the other modality is believed: one
    that is out of order has no say in it.
    """
    factors = {} if trust is None else trust.unshared()
    joined = []
    for name in BRANCHES:
        own = _excess(blurred[name], statistics[name], factors.get(name))
        crossmodal = CROSSMODAL[name]
        if crossmodal in blurred:
            asked = _excess(blurred[crossmodal], statistics[crossmodal], factors.get(name))
            own = _mixed(asked, own, factors.get(OTHER_BRANCH[name]))
        if name == "depth" and trust is not None and trust.heights is not None:
            own = trust.heights * own
        joined.append(own)
    return torch.stack(joined).norm(p=PEAK_ORDER, dim=0)


def _excess(maps: Tensor, usual: BranchStatistics, factor: Tensor | None) -> Tensor:
    """Above the part's mean, in units of the usual maxima; less by the factor (B,)."""
    unit = max(usual.peak_mean - usual.foreground_mean, float(np.finfo(np.float32).tiny))
    if factor is None:
        return (maps - usual.foreground_mean).clamp_min(0.0) / unit
    factor = factor[:, None, None]
    return (maps / factor - usual.foreground_mean).clamp_min(0.0) / unit / factor**DISTRUST


def _mixed(asked: Tensor, alone: Tensor, factor_of_other: Tensor | None) -> Tensor:
    if factor_of_other is None:
        return asked
    share = say(factor_of_other)[:, None, None]
    return share * asked + (1.0 - share) * alone
