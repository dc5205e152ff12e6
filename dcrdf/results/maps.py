"""What `infer` writes of one job, and how it is read: maps, scores and names."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from dcrdf.errors import UserError
from dcrdf.files.atomic import replacing
from dcrdf.files.hdf5 import (
    PACKED,
    damage_named,
    fixed_texts,
    new_hdf5,
    open_hdf5,
    read_attribute,
    read_texts,
    require_finite,
    require_labels,
    require_stored,
    write_attributes,
)
from dcrdf.modalities import BRANCHES
from dcrdf.preparation.store import plain_link

STEP = "`dcrdf infer`"


@dataclass(frozen=True)
class ScoredImages:
    """Names, kinds and labels (N,) of a split, by branch scores (N,) and maps (N, H, W), and why an
    image is not judged, (N,), empty for those that are."""

    names: Sequence[str]
    defects: Sequence[str]
    labels: NDArray[np.int8]
    scores: Mapping[str, NDArray[np.float64]]
    maps: Mapping[str, NDArray[np.float16]]
    not_judged: Sequence[str]


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

    @property
    def not_judged(self) -> list[str]:
        """Why an image (N,) is not judged, empty for those that are; older files say of none."""
        with damage_named(self._path, STEP):
            if "not_judged" not in self._test:
                return [""] * len(self.names)
            reasons = read_texts(self._member("not_judged"))
            if len(reasons) != len(self.names):
                raise ValueError(f"not_judged is of {len(reasons)} images")
            return reasons

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

    def validation_scores(self, branch: str) -> NDArray[np.float64]:
        """The image scores of the good validation images, of which the threshold was made."""
        with damage_named(self._path, STEP):
            group = plain_link(self._file, "validation", self._path, STEP)
            member = plain_link(group, f"score_{branch}", self._path, STEP)
            require_stored(member)
            scores: NDArray[np.float64] = member[:]
            require_finite(scores, f"validation/score_{branch}")
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
        file = open_hdf5(path)
    with file:
        with damage_named(path, STEP):
            maps = MapsFile(file, path)
        yield maps


def write_maps(
    path: Path,
    attributes: Mapping[str, Any],
    test: ScoredImages,
    validation: ScoredImages,
) -> None:
    """Write maps and scores of the test split and the scores of the validation split."""
    with replacing(path) as temporary, new_hdf5(temporary) as file:
        write_attributes(file, attributes)
        for group_name, images in (("test", test), ("validation", validation)):
            group = file.create_group(group_name)
            _create_whole(group, "name", fixed_texts(images.names))
            _create_whole(group, "defect", fixed_texts(images.defects))
            _create_whole(group, "label", np.asarray(images.labels, dtype=np.int8))
            _create_whole(group, "not_judged", fixed_texts(images.not_judged))
            for name, values in images.scores.items():
                _create_whole(group, f"score_{name}", values)
            for name, maps in images.maps.items():
                chunks = (1, *maps.shape[1:])
                group.create_dataset(
                    name, data=maps, chunks=chunks, shuffle=True, fletcher32=True, **PACKED
                )


def _create_whole(group: h5py.Group, name: str, values: NDArray[Any]) -> None:
    """Write values in one chunk, with its checksum."""
    group.create_dataset(name, data=values, chunks=values.shape, fletcher32=True)
