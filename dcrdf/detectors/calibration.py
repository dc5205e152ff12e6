"""What good validation images look like to a detector: the ground of every fusion."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from dcrdf.detectors.base import BRANCHES, NormalSamples
from dcrdf.detectors.branch_statistics import BranchStatistics, image_levels
from dcrdf.detectors.depth_holes import DepthHoles


@dataclass(frozen=True)
class Calibration:
    """Statistics of the maps by branch, and of holes in the height."""

    branches: Mapping[str, BranchStatistics]
    holes: DepthHoles

    @classmethod
    def of_good(
        cls, maps: Mapping[str, Tensor], validation: NormalSamples, blur_sigma_px: float
    ) -> Self:
        """From the unblurred maps (N, H, W) of the validation split."""
        branches = {
            name: BranchStatistics.of_maps(
                maps[name].cpu().numpy(), validation.foreground, blur_sigma_px
            )
            for name in BRANCHES
        }
        return cls(branches, DepthHoles.of_good(validation.valid, validation.foreground))

    def unusual(
        self, blurred: Mapping[str, Tensor], hole_share: Tensor | None
    ) -> dict[str, Tensor]:
        """By how much each modality of an image is unlike good ones as a whole, (B,), 1 or more:
        the level of its map over the highest of good images, and what its holes add.

        `hole_share` is the share (B,) of pixels whose height was not measured; None: as usual.
        """
        factors = {
            name: (image_levels(x) / self.branches[name].highest_level).clamp_min(1.0)
            for name, x in blurred.items()
        }
        if hole_share is not None and "depth" in factors:
            of_holes = self.holes.factors(hole_share).to(factors["depth"])
            factors["depth"] = torch.maximum(factors["depth"], of_holes)
        return factors

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        branches = {name: x.to_dict() for name, x in self.branches.items()}
        return {**branches, "holes": self.holes.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; UserError, KeyError, TypeError or ValueError for others."""
        branches = {name: BranchStatistics.from_dict(values[name]) for name in BRANCHES}
        return cls(branches, DepthHoles.from_dict(values["holes"]))
