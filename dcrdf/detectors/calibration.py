"""What good validation images look like to a detector: the ground of every fusion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from dcrdf.detectors.base import BRANCHES, NormalSamples
from dcrdf.detectors.branch_statistics import BranchStatistics, image_levels
from dcrdf.detectors.depth_sensor import DepthReadings, DepthSensor
from dcrdf.detectors.trust import Trust
from dcrdf.errors import UserError


@dataclass(frozen=True)
class Calibration:
    """Statistics of the maps by their names, and of the depth sensor."""

    maps: Mapping[str, BranchStatistics]
    sensor: DepthSensor

    @classmethod
    def of_good(
        cls, maps: Mapping[str, Tensor], validation: NormalSamples, blur_sigma_px: float
    ) -> Self:
        """From the unblurred maps (N, H, W) of the validation split."""
        statistics = {
            name: BranchStatistics.of_maps(x.cpu().numpy(), validation.foreground, blur_sigma_px)
            for name, x in maps.items()
        }
        sensor = DepthSensor.of_good(validation.depth, validation.valid, validation.foreground)
        return cls(statistics, sensor)

    def unusual(
        self, blurred: Mapping[str, Tensor], readings: DepthReadings | None
    ) -> dict[str, Tensor]:
        """By how much each modality of an image is unlike good ones as a whole, (B,), 1 or more:
        the level of its own map over the highest of good images, or what its sensor's readings say.

        Without `readings` the sensor is as usual.
        """
        factors = {
            name: (image_levels(blurred[name]) / self.maps[name].highest_level).clamp_min(1.0)
            for name in BRANCHES
            if name in blurred
        }
        if readings is not None and "depth" in factors:
            of_sensor = self.sensor.factors(readings).to(factors["depth"])
            factors["depth"] = torch.maximum(factors["depth"], of_sensor)
        return factors

    def trust(self, unusual: Mapping[str, Tensor], readings: DepthReadings | None) -> Trust:
        """How far the modalities of images that are so unusual are believed."""
        if readings is None:
            return Trust(unusual, None)
        return Trust(unusual, self.sensor.say_of_heights(readings).to(unusual["depth"]))

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            **{name: x.to_dict() for name, x in self.maps.items()},
            "depth_sensor": self.sensor.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], names: Sequence[str]) -> Self:
        """The inverse of `to_dict`, for the maps of those names; UserError, KeyError, TypeError or
        ValueError for others."""
        if set(values) != {*names, "depth_sensor"}:
            raise UserError("calibrated by another version of dcrdf; run `dcrdf infer` again")
        maps = {name: BranchStatistics.from_dict(values[name]) for name in names}
        return cls(maps, DepthSensor.from_dict(values["depth_sensor"]))
