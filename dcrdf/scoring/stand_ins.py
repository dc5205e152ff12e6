"""Scans of one modality, for which the other's stand-in is scored beside it.

They are scored as if they had both, by statistics, weights and thresholds of good validation images
that were scored in just that way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from dcrdf.detectors.maps import Maps
from dcrdf.modalities import MODALITIES, Modality
from dcrdf.scoring.calibration import Calibration

WITHOUT: Mapping[Modality, str] = {name: f"without_{name}" for name in MODALITIES}
"""What thresholds and statistics are called where a modality is absent and stood in for."""


def as_if_both(raw: Maps) -> Maps:
    """A present modality's own map and the other's stand-in, as own maps that fusions join."""
    return Maps(own=raw.asked())


def without_the_absent(values: Mapping[str, Any], absent: Modality | None) -> dict[str, Any]:
    """What is known of a scan less what is known of a stand-in alone, which nobody measured."""
    return {name: x for name, x in values.items() if name != absent}


@dataclass(frozen=True)
class StandInCalibrations:
    """Calibrations by the modality that is absent."""

    by_absent: Mapping[Modality, Calibration]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {WITHOUT[name]: x.to_dict() for name, x in self.by_absent.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; UserError, KeyError, TypeError or ValueError for others."""
        return cls(
            {name: Calibration.from_dict(values[WITHOUT[name]], MODALITIES) for name in MODALITIES}
        )
