"""Reading what `infer` wrote: maps, scores and names of one job."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from dcrdf.errors import UserError
from dcrdf.files.hdf5 import (
    damage_named,
    read_attribute,
    read_texts,
    require_finite,
    require_labels,
    require_stored,
)
from dcrdf.preparation.store import plain_link

BRANCHES = ("fused", "rgb", "depth")
STEP = "`dcrdf infer`"


class MapsFile:
    """An open `maps.h5`; made by `open_maps`."""

    def __init__(self, file: h5py.File, path: Path) -> None:
        self._path = path
        self._file = file
        self._test = plain_link(file, "test", path, STEP)
        self.stage: dict[str, Any] = json.loads(read_attribute(file, "stage"))
        self.seed = int(read_attribute(file, "seed"))
        self.input_digest = read_attribute(file, "input_digest")
        """That of the scans."""
        self.names = read_texts(self._member("name"))
        self.defects = read_texts(self._member("defect"))
        self.size = 0
        """Side of the maps in pixels."""
        self.branches = [name for name in BRANCHES if name in self._test]
        for branch in self.branches:
            shape = self._member(branch).shape
            if len(shape) != 3 or shape[0] != len(self.names) or shape[1] != shape[2]:
                raise ValueError(f"{branch} has shape {shape} for {len(self.names)} images")
            self.size = int(shape[1])

    @property
    def threshold(self) -> dict[str, Any]:
        """The fused score's threshold and what is known of it."""
        with damage_named(self._path, STEP):
            values: dict[str, Any] = json.loads(read_attribute(self._file, "threshold"))
            return values

    @property
    def is_defect(self) -> NDArray[np.bool_]:
        """Which images (N,) are defective."""
        with damage_named(self._path, STEP):
            label = self._member("label")[:]
            require_labels(label)
            return np.asarray(label > 0)

    def maps(self, branch: str) -> NDArray[np.float16]:
        """The maps (N, S, S) of a branch."""
        with damage_named(self._path, STEP):
            values: NDArray[np.float16] = self._member(branch)[:]
            require_finite(values, branch)
            return values

    def scores(self, branch: str) -> NDArray[np.float64]:
        """The image scores (N,) of a branch."""
        with damage_named(self._path, STEP):
            scores: NDArray[np.float64] = self._member(f"score_{branch}")[:]
            require_finite(scores, f"score_{branch}")
            if scores.shape != (len(self.names),):
                raise ValueError(f"score_{branch} has shape {scores.shape}")
            return scores

    def _member(self, name: str) -> h5py.Dataset:
        member = plain_link(self._test, name, self._path, STEP)
        require_stored(member)
        return member


@contextmanager
def open_maps(path: Path) -> Iterator[MapsFile]:
    """Open a `maps.h5` and check its layout; `UserError` names it when it is not sound."""
    with damage_named(path, STEP):
        if not path.is_file():
            raise UserError(f"{path}: no such file; run {STEP} first")
        file = h5py.File(path, "r")
    with file:
        with damage_named(path, STEP):
            maps = MapsFile(file, path)
        yield maps
