"""What can be counted of a height image without any network: how much of it was never measured and
how noisy the rest is, against what is usual on good images."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor

from dcrdf.scans.arrays import ScanArrays
from dcrdf.scans.depth_counts import LEAST_NOISE, hole_shares, near_holes, noise_levels
from dcrdf.scoring.trust import belief

HOLES_WEIGHT = 10.0
"""Missing a tenth of the part more than any good image does counts as twice as unusual."""
NOISE_TOLERATED = 2.0
"""Noise counts from twice that of the noisiest good image on."""


class DepthReadings(NamedTuple):
    """Of B images: the share of pixels whose height was not measured, the same of the pixels of the
    part, and the noise of the others in normalised height, (B,) each; and which pixels are near
    one that was not measured, (B, H, W)."""

    hole_share: Tensor
    part_hole_share: Tensor
    noise: Tensor
    is_near_hole: Tensor

    @classmethod
    def of(cls, scans: ScanArrays) -> Self | None:
        """From scans; None where they lack the height, or where it was measured."""
        height, valid, on_part = scans.height, scans.valid, scans.on_part
        if height is None or valid is None or on_part is None:
            return None
        return cls(
            torch.from_numpy(hole_shares(valid, scans.inside)).float(),
            torch.from_numpy(hole_shares(valid, on_part)).float(),
            torch.from_numpy(noise_levels(height, valid)).float(),
            torch.from_numpy(near_holes(valid, scans.inside)),
        )

    def rows(self, rows: slice | Tensor) -> Self:
        """The same of some of the images."""
        return type(self)(*(one[rows] for one in self))


@dataclass(frozen=True)
class DepthSensor:
    """The largest share of missing pixels in good images and on their parts, the share of the part
    in them, and the largest noise."""

    highest_hole_share: float
    highest_part_hole_share: float
    part_share: float
    highest_noise: float

    @classmethod
    def of_good(cls, readings: DepthReadings, part_share: float) -> Self:
        """From the readings of good images and the share of the part in them."""
        return cls(
            float(readings.hole_share.max()),
            float(readings.part_hole_share.max()),
            part_share or 1.0,
            max(float(readings.noise.max()), LEAST_NOISE),
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; KeyError, TypeError or ValueError for other values."""
        names = ("highest_hole_share", "highest_part_hole_share", "part_share", "highest_noise")
        highest, on_part, part, noise = (float(values[name]) for name in names)
        in_range = 0.0 < part <= 1.0 and LEAST_NOISE <= noise < math.inf
        if not (math.isfinite(highest) and math.isfinite(on_part) and in_range):
            raise ValueError("the depth sensor's figures are out of range")
        return cls(highest, on_part, part, noise)

    def to_dict(self) -> dict[str, float]:
        """As JSON."""
        return asdict(self)

    def factors(self, readings: DepthReadings) -> Tensor:
        """How unusual such images are, (B,): 1 where good images miss as much and are not much
        less noisy."""
        of_noise = readings.noise / (NOISE_TOLERATED * self.highest_noise)
        return torch.maximum(self._of_holes(readings), of_noise)

    def belief_in_heights(self, readings: DepthReadings) -> Tensor:
        """How far heights are believed at each place of such images, (B, H, W): not near filled
        places, where more were filled than in any good image."""
        withheld = 1.0 - belief(self._of_holes(readings))
        return 1.0 - withheld[:, None, None] * readings.is_near_hole

    def _of_holes(self, readings: DepthReadings) -> Tensor:
        """Missing points are counted on the part, since good images miss many beside it, in
        shadows; and in the whole image, since a part of which little is left is not known any
        more."""
        anywhere = (readings.hole_share - self.highest_hole_share) / self.part_share
        on_part = readings.part_hole_share - self.highest_part_hole_share
        surplus = torch.maximum(anywhere, on_part).clamp_min(0.0)
        return 1.0 + HOLES_WEIGHT * surplus
