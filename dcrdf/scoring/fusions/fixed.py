"""Fusions that know nothing of good images: averages, maxima, products, one branch alone."""

import torch
from torch import Tensor

from dcrdf.modalities import DEPTH, RGB, Modality
from dcrdf.scoring.fusions.base import Evidence, Fusion


class Average(Fusion):
    """The mean of both maps."""

    def __call__(self, evidence: Evidence) -> Tensor:
        """(B, H, W)."""
        maps = evidence.raw.asked()
        return evidence.blur(0.5 * (maps[RGB] + maps[DEPTH]))


class Maximum(Fusion):
    """The larger of both maps at each place."""

    def __call__(self, evidence: Evidence) -> Tensor:
        """(B, H, W)."""
        maps = evidence.raw.asked()
        return evidence.blur(torch.maximum(maps[RGB], maps[DEPTH]))


class Product(Fusion):
    """The product of both maps."""

    def __call__(self, evidence: Evidence) -> Tensor:
        """(B, H, W)."""
        maps = evidence.raw.asked()
        return evidence.blur(maps[RGB] * maps[DEPTH])


class _Single(Fusion):
    modality: Modality

    def __call__(self, evidence: Evidence) -> Tensor:
        """(B, H, W)."""
        return evidence.blurred.own[self.modality]


class ColourAlone(_Single):
    """What colour says by itself."""

    modality = RGB


class DepthAlone(_Single):
    """What the height says by itself."""

    modality = DEPTH


class _SingleCrossmodal(Fusion):
    modality: Modality

    def __call__(self, evidence: Evidence) -> Tensor:
        """(B, H, W)."""
        return evidence.blurred.crossmodal[self.modality]


class ColourCrossmodal(_SingleCrossmodal):
    """What colour says when the height has a say in it."""

    modality = RGB


class DepthCrossmodal(_SingleCrossmodal):
    """What the height says when colour has a say in it."""

    modality = DEPTH
