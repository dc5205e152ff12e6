"""One job's maps beside the test images they belong to, as its metrics need them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import PrepareOptions
from dcrdf.config.stages import Stage, digest_of_record
from dcrdf.errors import UserError
from dcrdf.preparation.store import Prepared, PreparedSplit, open_prepared
from dcrdf.results.maps import MapsFile, open_maps
from dcrdf.results.native import native_maps, native_masks, without_bars

MapSize = Literal["network", "native"]


class Images(NamedTuple):
    """N test images of one branch at one size, in the order that `evaluate` takes them."""

    maps: Sequence[NDArray[Any]]
    masks: Sequence[NDArray[np.bool_]]
    scores: NDArray[np.float64]
    labels: NDArray[np.bool_]

    def chosen(self, rows: NDArray[np.bool_]) -> "Images":
        """A part of the images."""
        numbers = np.flatnonzero(rows).tolist()
        return Images(
            [self.maps[i] for i in numbers],
            [self.masks[i] for i in numbers],
            self.scores[rows],
            self.labels[rows],
        )


@contextmanager
def open_job(
    maps_path: Path, prepared_path: Path, stage: Stage
) -> Iterator[tuple[MapsFile, Prepared]]:
    """A job's maps and its prepared data, which belong together and to the stage's record.

    Raises `UserError` when the maps were made with other settings or for other images.
    """
    with open_maps(maps_path) as maps, open_prepared(prepared_path) as prepared:
        if digest_of_record(maps.stage) != stage.upstream["infer"]:
            raise UserError(f"{maps_path}: made with other settings; run `dcrdf infer` again")
        test = prepared.split("test")
        size = prepared.options.image_size
        if maps.names != test.name or maps.defects != test.defect or maps.size not in (0, size):
            raise UserError(f"{maps_path}: its images are not those of {prepared_path}")
        if maps.input_digest != prepared.input_digest:
            raise UserError(f"{maps_path}: made from other scans than {prepared_path}")
        yield maps, prepared


def branch_images(
    maps: MapsFile, test: PreparedSplit, branch: str, size: MapSize, prepare: PrepareOptions
) -> Images:
    """The test images with one branch's maps and scores, at the network's or at native size."""
    shown: Sequence[NDArray[Any]] = maps.maps(branch)  # type: ignore[assignment]
    masks: Sequence[NDArray[np.bool_]] = test.gt  # type: ignore[assignment]
    if size == "native":
        shown, masks = native_maps(shown, test.native_size, prepare), native_masks(test)
    elif prepare.resize == "letterbox":
        shown = without_bars(shown, test.native_size, prepare)
        masks = without_bars(masks, test.native_size, prepare)
    return Images(shown, masks, maps.scores(branch), test.label.astype(bool))
