"""Whether an exported model judges validation scans as the trained one does."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcrdf.errors import UserError
from dcrdf.judging.prediction import Prediction
from dcrdf.judging.thresholds import Thresholds
from dcrdf.modalities import FUSED
from dcrdf.models.model import Model
from dcrdf.runtime.exported import ExportedModel
from dcrdf.scoring.scorer import batch_slices
from dcrdf.tensors.scans import Scans

TOLERANCE = 1e-4
"""Of a score, relative."""
MAP_TOLERANCE = 1e-3
"""Of a map, relative to its highest value."""
BATCH = 3
"""Scans that the graph sees at once, after one alone: it must not know how many it was made of."""


def prove(trained: Model, exported: ExportedModel, scans: Scans) -> dict[str, Any]:
    """What was compared, and the largest differences; `UserError` where scores differ by more than
    `TOLERANCE`, or a verdict at all."""
    scores, maps = 0.0, 0.0
    for part in (scans[:1], *(scans[1:][rows] for rows in batch_slices(len(scans) - 1, BATCH))):
        wanted = trained.scorer.score(part)
        found = exported.score_arrays(part, at_once=BATCH)
        if set(wanted.scores) != set(found.scores) or set(wanted.maps) != set(found.maps):
            raise UserError("export: the graph lacks maps or scores of the trained model")
        scores = max(scores, *(_difference(x, wanted.scores, found.scores) for x in wanted.scores))
        maps = max(maps, *(_map_difference(x, wanted.maps, found.maps) for x in wanted.maps))
        _same_verdicts(wanted, found, exported.thresholds)
    if not scores <= TOLERANCE or not maps <= MAP_TOLERANCE:
        raise UserError(
            f"export: scores differ by up to {scores:.3g}, maps by {maps:.3g} (allowed:"
            f" {TOLERANCE:g}, {MAP_TOLERANCE:g}); nothing was written"
        )
    return {
        "validation_scans": len(scans),
        "largest_relative_difference_of_scores": scores,
        "largest_difference_of_maps_over_their_maximum": maps,
        "verdicts": "identical",
    }


def _difference(
    name: str, wanted: Mapping[str, NDArray[Any]], found: Mapping[str, NDArray[Any]]
) -> float:
    scale = np.maximum(np.abs(wanted[name]), np.finfo(np.float32).tiny)
    return float((np.abs(found[name] - wanted[name]) / scale).max())


def _map_difference(
    name: str, wanted: Mapping[str, NDArray[Any]], found: Mapping[str, NDArray[Any]]
) -> float:
    scale = max(float(np.abs(wanted[name]).max()), float(np.finfo(np.float32).tiny))
    return float(np.abs(found[name] - wanted[name]).max()) / scale


def _same_verdicts(wanted: Prediction, found: Prediction, thresholds: Thresholds) -> None:
    limit = float(thresholds[FUSED]["threshold"])
    over = [one.scores[FUSED] > limit for one in (wanted, found)]
    judged = [[not reason for reason in one.not_judged] for one in (wanted, found)]
    if not np.array_equal(over[0], over[1]) or judged[0] != judged[1]:
        raise UserError("export: a validation scan's verdict differs; nothing was written")
