"""The unit of xyz files, where a data set does not say it or must be believed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dcrdf.datasets.load import median_distance_m
from dcrdf.datasets.sample import Sample
from dcrdf.errors import UserError
from dcrdf.files.images import read_xyz

_NAMES = {1.0: "m", 1e-3: "mm", 1e-4: "0.1mm"}


@dataclass(frozen=True)
class Unit:
    """A unit of length, and the median distances, in it, that say that a file is in it."""

    metres: float
    nearest: float
    farthest: float

    @property
    def name(self) -> str:
        """As `dataset.reader.unit` has it."""
        return _NAMES[self.metres]

    def fits(self, distance: float) -> bool:
        """Whether a median distance, as the file has it, is usual in this unit."""
        return self.nearest <= distance <= self.farthest


def with_unit(samples: Sequence[Sample], wanted: str, units: Sequence[Unit]) -> list[Sample]:
    """The samples, those with xyz files in the unit `wanted`: one of `units` or `auto`, which takes
    the one that fits the first training scan.

    `UserError` when none does, or another than the one wanted.
    """
    training = (x.xyz for x in samples if x.split == "train" and x.xyz is not None)
    first = next(training, None)
    if first is None:
        return list(samples)
    distance = median_distance(first)
    fitting = next((unit for unit in units if unit.fits(distance)), None)
    given = next((unit for unit in units if unit.name == wanted), fitting)
    ranges = ", ".join(f"{x.nearest:g} to {x.farthest:g} {x.name}" for x in units)
    if given is None:
        raise UserError(
            f"{first}: the median distance is {distance:.4g} in an unknown unit; usual are"
            f" {ranges}; set dataset.reader.unit"
        )
    if fitting is not None and fitting != given:
        raise UserError(
            f"{first}: the median distance is {distance:.4g}: {fitting.name} given as"
            f" {given.name}? usual are {ranges}; set dataset.reader.unit to {fitting.name}"
        )
    return [x if x.xyz is None else replace(x, xyz_unit_m=given.metres) for x in samples]


def median_distance(path: Path) -> float:
    """The median distance of an xyz file's points, in its own unit; missing ones do not count."""
    z = np.nan_to_num(np.abs(read_xyz(path)[:, :, 2]), nan=0.0, posinf=0.0)
    return median_distance_m(z) if z.any() else 0.0


def points_unit(samples: Sequence[Sample]) -> str:
    """In which units the samples' files give distances, as people say it."""
    steps = {sample.camera.depth_unit_m for sample in samples if sample.camera is not None}
    named = [_NAMES[x] for x in sorted({x.xyz_unit_m for x in samples if x.xyz is not None})]
    shown = [f"xyz in {' and '.join(named)}"] if named else []
    if steps:
        shown.append(f"depth in steps of {min(steps):.3g} m")
    return ", ".join(shown)
