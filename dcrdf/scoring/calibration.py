"""What good validation images look like to a detector: the ground of every fusion."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcrdf.detectors.maps import CROSSMODAL, Maps
from dcrdf.errors import UserError
from dcrdf.modalities import DEPTH, MODALITIES, Modality
from dcrdf.scoring.branch_statistics import BranchFigures, BranchStatistics, image_levels
from dcrdf.scoring.depth_sensor import DepthReadings, DepthSensor
from dcrdf.scoring.held_out import on_common_scale
from dcrdf.scoring.loudness import Loudness
from dcrdf.scoring.one_class_svm import GoodPairs, Weights
from dcrdf.scoring.trust import Trust
from dcrdf.tensors.scans import Scans

WEIGHTS, LOUDNESS = "one_class_svm", "loudness"
"""Their entries in JSON."""


@dataclass(frozen=True)
class GoodFigures:
    """What a calibration takes from each of N good images: figures of their maps by the maps'
    names, readings of the depth sensor, pixels of the part and of the image, (N,); pairs of both
    maps' values, where weights are asked for, and whether levels are to explain peaks."""

    maps: Mapping[str, BranchFigures]
    readings: DepthReadings
    part_pixels: NDArray[np.int64]
    image_pixels: NDArray[np.int64]
    pairs: GoodPairs | None = None
    by_level: bool = False

    @classmethod
    def of(
        cls,
        maps: Maps,
        good: Scans,
        blur_sigma_px: float,
        silent_beside_part: Collection[Modality] = (),
        *,
        weighed: bool = False,
        by_level: bool = False,
    ) -> Self:
        """From the unblurred maps of good scans, which have both modalities; own maps of some may
        be silent beside the part."""
        readings, outline = DepthReadings.of(good), good.outline
        if readings is None or outline is None:
            raise ValueError("good scans lack their heights")
        figures = {
            name: BranchFigures.of_maps(
                x.cpu().numpy(),
                outline,
                good.inside,
                blur_sigma_px,
                is_silent_beside=name in silent_beside_part,
            )
            for name, x in maps.by_branch().items()
        }
        part = outline & good.inside
        pairs = GoodPairs.of(maps, outline, good.inside) if weighed else None
        pixels = good.inside.sum(axis=(1, 2))
        return cls(figures, readings, part.sum(axis=(1, 2)), pixels, pairs, by_level)

    def __len__(self) -> int:
        return len(self.image_pixels)

    def calibration(self) -> "Calibration":
        """That of all images."""
        return self._of_rows(np.arange(len(self)))

    def without(self, row: int) -> "Calibration":
        """That of all images but one, which it can judge as if it were a new one, on the scale of
        all. Of a single image there is no other: its own."""
        everyone = self.calibration()
        if len(self) == 1:
            return everyone
        others = self._of_rows(np.delete(np.arange(len(self)), row))
        statistics: dict[str, BranchStatistics] = {}
        for names in (MODALITIES, tuple(CROSSMODAL.values())):
            fused = [name for name in names if name in self.maps]
            if fused:
                statistics |= on_common_scale(
                    {name: others.maps[name] for name in fused},
                    {name: everyone.maps[name] for name in fused},
                )
        weights = others.weights
        if weights is not None and everyone.weights is not None:
            weights = weights.in_units_of(everyone.weights)
        return Calibration(statistics, others.sensor, weights, others.loudness)

    def _of_rows(self, rows: NDArray[np.intp]) -> "Calibration":
        statistics = {name: BranchStatistics.of(x, rows) for name, x in self.maps.items()}
        part_share = float(self.part_pixels[rows].sum() / self.image_pixels[rows].sum())
        readings = self.readings.rows(torch.from_numpy(rows))
        weights = None if self.pairs is None else self.pairs.weights(rows)
        sensor = DepthSensor.of_good(readings, part_share)
        return Calibration(statistics, sensor, weights, self._loudness(rows))

    def _loudness(self, rows: NDArray[np.intp]) -> dict[str, Loudness]:
        if not self.by_level:
            return {}
        return {
            name: Loudness.of(figures.levels[rows], figures.peaks[rows])
            for name, figures in self.maps.items()
        }


@dataclass(frozen=True)
class Calibration:
    """Statistics of the maps by their names, and of the depth sensor; the weights of both maps
    and how far levels explain peaks, where they are asked for."""

    maps: Mapping[str, BranchStatistics]
    sensor: DepthSensor
    weights: Weights | None = None
    loudness: Mapping[str, Loudness] = field(default_factory=dict)

    def levels(
        self,
        blurred: Mapping[str, Tensor],
        inside: Tensor,
        places: Mapping[Modality, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """How loud each blurred map (B, H, W) is as a whole, (B,), of those whose statistics are
        known.

        `inside` (B, H, W) is where the image is; `places` (B, H, W) are where levels of some
        modalities are taken instead, as they were of good images.
        """
        at: dict[str, Tensor] = dict.fromkeys(self.maps, inside) | dict(places or {})
        return {
            name: image_levels(maps, at[name])
            for name, maps in blurred.items()
            if name in self.maps
        }

    def unusual(
        self, levels: Mapping[str, Tensor], readings: DepthReadings | None
    ) -> dict[Modality, Tensor]:
        """By how much each modality of an image is unlike good ones as a whole, (B,), 1 or more:
        the level of its own map over the highest of good images, or what its sensor's readings say.
        Without `readings` the sensor is as usual."""
        factors = {
            name: levels[name] / self.maps[name].highest_level
            for name in MODALITIES
            if name in levels
        }
        factors = {name: x.clamp_min(1.0) for name, x in factors.items()}
        if readings is not None and DEPTH in factors:
            of_sensor = self.sensor.factors(readings).to(factors[DEPTH])
            factors[DEPTH] = torch.maximum(factors[DEPTH], of_sensor)
        return factors

    def trust(self, unusual: Mapping[str, Tensor], readings: DepthReadings | None) -> Trust:
        """How far the modalities of images that are so unusual are believed."""
        if readings is None or DEPTH not in unusual:
            return Trust(unusual, None)
        return Trust(unusual, self.sensor.belief_in_heights(readings).to(unusual[DEPTH]))

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        weights = {} if self.weights is None else {WEIGHTS: self.weights.to_dict()}
        by_level = {name: x.to_dict() for name, x in self.loudness.items()}
        loudness = {LOUDNESS: by_level} if by_level else {}
        return {
            **{name: x.to_dict() for name, x in self.maps.items()},
            "depth_sensor": self.sensor.to_dict(),
            **weights,
            **loudness,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], names: Sequence[str]) -> Self:
        """The inverse of `to_dict`, for the maps of those names; UserError, KeyError, TypeError or
        ValueError for others."""
        if set(values) - {WEIGHTS, LOUDNESS} != {*names, "depth_sensor"}:
            raise UserError("calibrated by another version of dcrdf; run `dcrdf infer` again")
        maps = {name: BranchStatistics.from_dict(values[name]) for name in names}
        sensor = DepthSensor.from_dict(values["depth_sensor"])
        weights = Weights.from_dict(values[WEIGHTS]) if WEIGHTS in values else None
        by_level = values.get(LOUDNESS, {})
        if by_level and set(by_level) != set(names):
            raise UserError("calibrated by another version of dcrdf; run `dcrdf infer` again")
        loudness = {name: Loudness.from_dict(x) for name, x in by_level.items()}
        return cls(maps, sensor, weights, loudness)
