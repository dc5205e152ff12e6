"""Scoring whole splits: validation for the thresholds, test for the maps."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcrdf.judging.prediction import Prediction
from dcrdf.scoring.scorer import Scorer, batch_slices
from dcrdf.tensors.scans import Scans


@dataclass(frozen=True)
class ScoredSplit:
    """Image scores (N,) and maps (N, H, W) float16 by branch; why an image is not judged, and which
    modality was replaced, (N,), empty for others."""

    scores: dict[str, NDArray[np.float64]]
    maps: dict[str, NDArray[np.float16]]
    not_judged: list[str]
    replaced: list[str]


def score_split(scorer: Scorer, scans: Scans) -> ScoredSplit:
    """Score every scan of a split in batches."""
    slices = batch_slices(len(scans), scorer.options.batch_size)
    return gather(scorer.score(scans[rows]) for rows in slices)


def gather(predictions: Iterable[Prediction]) -> ScoredSplit:
    """Join batches; scores were computed before maps are rounded to float16 here."""
    scores: dict[str, list[NDArray[np.float64]]] = {}
    maps: dict[str, list[NDArray[np.float16]]] = {}
    not_judged: list[str] = []
    replaced: list[str] = []
    for prediction in predictions:
        not_judged += prediction.not_judged
        replaced += prediction.replaced
        for name, values in prediction.scores.items():
            scores.setdefault(name, []).append(values)
            maps.setdefault(name, []).append(_half(prediction.maps[name]))
    return ScoredSplit(
        {name: np.concatenate(parts) for name, parts in scores.items()},
        {name: np.concatenate(parts) for name, parts in maps.items()},
        not_judged,
        replaced,
    )


def _half(maps: NDArray[np.float32]) -> NDArray[np.float16]:
    limit = float(np.finfo(np.float16).max)
    return np.clip(maps, -limit, limit).astype(np.float16)
