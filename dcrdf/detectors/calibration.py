"""What good validation images look like to a detector: the ground of every fusion."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from dcrdf.detectors.base import BRANCHES, NormalSamples
from dcrdf.detectors.branch_statistics import BranchStatistics, image_levels
from dcrdf.detectors.depth_sensor import DepthReadings, DepthSensor


@dataclass(frozen=True)
class Calibration:
    """Statistics of the maps by branch, and of the depth sensor."""

    branches: Mapping[str, BranchStatistics]
    sensor: DepthSensor

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
        sensor = DepthSensor.of_good(validation.depth, validation.valid, validation.foreground)
        return cls(branches, sensor)

    def unusual(
        self, blurred: Mapping[str, Tensor], readings: DepthReadings | None
    ) -> dict[str, Tensor]:
        """By how much each modality of an image is unlike good ones as a whole, (B,), 1 or more:
        the level of its map over the highest of good images, or what its sensor's readings say.

        Without `readings` the sensor is as usual.
        """
        factors = {
            name: (image_levels(x) / self.branches[name].highest_level).clamp_min(1.0)
            for name, x in blurred.items()
        }
        if readings is not None and "depth" in factors:
            of_sensor = self.sensor.factors(readings).to(factors["depth"])
            factors["depth"] = torch.maximum(factors["depth"], of_sensor)
        return factors

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        branches = {name: x.to_dict() for name, x in self.branches.items()}
        return {**branches, "depth_sensor": self.sensor.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; UserError, KeyError, TypeError or ValueError for others."""
        branches = {name: BranchStatistics.from_dict(values[name]) for name in BRANCHES}
        return cls(branches, DepthSensor.from_dict(values["depth_sensor"]))
