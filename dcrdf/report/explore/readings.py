"""What each sensor showed of an image, beside what it shows of good parts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcrdf.report.context import Prepared, TestImages

_GREY = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Reading:
    """A quantity of every test image (N,), and the range it has on good training images."""

    title: str
    unit: str
    values: NDArray[np.float64]
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """As the script reads it."""
        rounded = [float(f"{value:.5g}") for value in self.values.tolist()]
        return {"title": self.title, "unit": self.unit, "values": rounded,
                "low": self.low, "high": self.high}  # fmt: skip


def sensor_readings(prepared: Prepared) -> list[Reading]:
    """Light, contrast, points that are missing and distance, of the test split's images."""
    test, train = _readings(prepared.split("test")), _readings(prepared.split("train"))
    return [
        Reading(title, unit, values, float(usual.min()), float(usual.max()))
        for (title, unit), values in test.items()
        if (usual := train.get((title, unit))) is not None and usual.size
    ]


def _readings(images: TestImages) -> dict[tuple[str, str], NDArray[np.float64]]:
    light = [float((one.astype(np.float32) @ _GREY).mean()) for one in images.rgb]
    contrast = [float((one.astype(np.float32) @ _GREY).std()) for one in images.rgb]
    found = {
        ("brightness of colour", "of 255"): np.array(light),
        ("contrast of colour", "of 255"): np.array(contrast),
        ("points not measured", "%"): 100.0 * images.missing_share,
    }
    if images.distance_m is not None:
        found["distance to the camera", "mm"] = 1e3 * images.distance_m
    return found
