"""Constants that a category's training split fixes once, and the normalised height D_n."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.prepare_options import Frame
from dcrdf.errors import UserError

Mode = Literal["part", "field"]

CLIP = (-1.0, 2.0)
"""Where D_n ends; training heights lie mostly within [0, 1]."""


@dataclass(frozen=True)
class PreparationConstants:
    """What single scans need to be prepared like the training split.

    `mode` is `part` (something stands in front of a background plane) or `field` (the plane is
    the inspected surface); D_n = 0 at `low_m` and 1 at `high_m`; `plane` is the training split's
    median plane (nx, ny, nz, offset in metres); `frame` is that of the points.
    """

    mode: Mode
    low_m: float
    high_m: float
    plane: tuple[float, float, float, float]
    frame: Frame = "camera"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; the usual frame is left out."""
        values = asdict(self) | {"plane": list(self.plane)}
        return {key: value for key, value in values.items() if value != "camera"}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; `UserError` when something is missing or not a number."""
        try:
            nx, ny, nz, offset_m = (float(value) for value in values["plane"])
            constants = cls(
                values["mode"],
                float(values["low_m"]),
                float(values["high_m"]),
                (nx, ny, nz, offset_m),
                values.get("frame", "camera"),
            )
        except (KeyError, TypeError, ValueError):
            constants = None
        if constants is None or not constants._sound():
            raise UserError("preparation constants: damaged or incomplete; run prepare again")
        return constants

    def _sound(self) -> bool:
        numbers = (self.low_m, self.high_m, *self.plane)
        return (
            self.mode in get_args(Mode)
            and self.frame in get_args(Frame)
            and all(map(isfinite, numbers))
            and numbers[0] < numbers[1]
        )


def height_range_m(
    training_m: NDArray[np.float32],
    low_percentile: float,
    high_percentile: float,
    min_span_m: float,
) -> tuple[float, float]:
    """The percentiles of the training foreground's heights, spread to `min_span_m` at least."""
    low_m, high_m = np.percentile(training_m, [low_percentile, high_percentile]).tolist()
    missing_m = max(0.0, min_span_m - (high_m - low_m))
    return low_m - missing_m / 2.0, high_m + missing_m / 2.0


def normalise(height_m: NDArray[np.float32], low_m: float, high_m: float) -> NDArray[np.float32]:
    """D_n = (h - low) / (high - low), clipped to [-1, 2]."""
    scale = np.float32(1.0 / (high_m - low_m))
    scaled = (height_m - np.float32(low_m)) * scale
    return scaled.clip(np.float32(CLIP[0]), np.float32(CLIP[1]))


def scaled_to_range(surface_m: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """One image's least value to `low`, its greatest to `high`; zero, which was not measured or is
    background, stays zero. A flat image becomes the middle."""
    seen = surface_m != 0.0
    if not seen.any():
        return np.zeros_like(surface_m)
    least_m, greatest_m = float(surface_m[seen].min()), float(surface_m[seen].max())
    if greatest_m == least_m:
        return np.where(seen, np.float32((low + high) / 2.0), np.float32(0.0))
    scale = (high - low) / (greatest_m - least_m)
    scaled = (surface_m - np.float32(least_m)) * np.float32(scale) + np.float32(low)
    return np.where(seen, scaled.clip(np.float32(low), np.float32(high)), np.float32(0.0))


def centred(
    surface_m: NDArray[np.float32], part: NDArray[np.bool_], unit_m: float
) -> NDArray[np.float32]:
    """Units away from the mean over one image's part; what was not measured counts as the mean."""
    seen = surface_m != 0.0
    mean_m = part_mean_m(surface_m, part)
    return np.where(seen, (surface_m - mean_m) / unit_m, 0.0).astype(np.float32)


def part_mean_m(surface_m: NDArray[np.float32], part: NDArray[np.bool_]) -> float:
    """The mean of the part's values that were measured (not zero); 0 without any."""
    values_m = surface_m[part & (surface_m != 0.0)]
    return float(values_m.mean(dtype=np.float64)) if values_m.size else 0.0
