"""Scoring whole splits: validation for the thresholds, test for the maps."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from dcrdf.files.atomic import replacing
from dcrdf.files.hdf5 import PACKED, fixed_texts, new_hdf5, write_attributes
from dcrdf.preparation.store import PreparedSplit
from dcrdf.scoring.scorer import Prediction, Scorer, batch_slices


@dataclass(frozen=True)
class ScoredSplit:
    """Image scores (N,) and maps (N, H, W) float16 by branch."""

    scores: dict[str, NDArray[np.float64]]
    maps: dict[str, NDArray[np.float16]]


def score_split(scorer: Scorer, split: PreparedSplit) -> ScoredSplit:
    """Score every sample of a split in batches."""
    slices = batch_slices(len(split), scorer.options.batch_size)
    return gather(
        scorer.score(split.rgb[rows], split.depth[rows], split.valid[rows], split.inside[rows])
        for rows in slices
    )


def gather(predictions: Iterable[Prediction]) -> ScoredSplit:
    """Join batches; scores were computed before maps are rounded to float16 here."""
    scores: dict[str, list[NDArray[np.float64]]] = {}
    maps: dict[str, list[NDArray[np.float16]]] = {}
    for prediction in predictions:
        for name, values in prediction.scores.items():
            scores.setdefault(name, []).append(values)
            maps.setdefault(name, []).append(_half(prediction.maps[name]))
    return ScoredSplit(
        {name: np.concatenate(parts) for name, parts in scores.items()},
        {name: np.concatenate(parts) for name, parts in maps.items()},
    )


def _half(maps: NDArray[np.float32]) -> NDArray[np.float16]:
    limit = float(np.finfo(np.float16).max)
    return np.clip(maps, -limit, limit).astype(np.float16)


def write_maps(
    path: Path,
    attributes: Mapping[str, Any],
    test: tuple[PreparedSplit, ScoredSplit],
    validation: tuple[PreparedSplit, ScoredSplit],
) -> None:
    """Write maps and scores of the test split and the scores of the validation split."""
    with replacing(path) as temporary, new_hdf5(temporary) as file:
        write_attributes(file, attributes)
        for group_name, (split, scored) in (("test", test), ("validation", validation)):
            group = file.create_group(group_name)
            _create_whole(group, "name", fixed_texts(split.name))
            _create_whole(group, "defect", fixed_texts(split.defect))
            _create_whole(group, "label", np.asarray(split.label, dtype=np.int8))
            for name, values in scored.scores.items():
                _create_whole(group, f"score_{name}", values)
            for name, maps in scored.maps.items():
                chunks = (1, *maps.shape[1:])
                group.create_dataset(
                    name, data=maps, chunks=chunks, shuffle=True, fletcher32=True, **PACKED
                )


def _create_whole(group: h5py.Group, name: str, values: NDArray[Any]) -> None:
    """Write values in one chunk, with its checksum."""
    group.create_dataset(name, data=values, chunks=values.shape, fletcher32=True)
