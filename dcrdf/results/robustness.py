"""Metrics of one job on degraded test scans: `robustness.json`, written and read."""

import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dcrdf.config.stages import Stage
from dcrdf.errors import UserError
from dcrdf.files.jsonfile import write_json
from dcrdf.metrics import UndefinedMetricWarning, evaluate
from dcrdf.results.checked import Checked, Name, Score, StageRecord, read_checked
from dcrdf.results.names import Branch

INTACT = "intact"
METRICS = ("i_auroc", "aupro_30", "aupro_05", "p_auroc")
LIMITS = (0.30, 0.05)
FLAGGED_GOOD, FLAGGED_DEFECTIVE = "flagged_good", "flagged_defective"
"""Shares of the good and of the defective images above the threshold of the intact training."""
GATE = "gate_weight"
"""The mean weight s of the colour map on the part, where a learned gate fuses."""

Value = dict[str, Any]


class DegradedValue(Checked):
    """One number; `None` where the metric is undefined."""

    degradation: Name
    branch: Branch
    metric: Name
    value: Score | None


class Robustness(Checked):
    """The contents of a `robustness.json`; pixel metrics are at the network's size."""

    stage: StageRecord
    dataset: Name
    run: Name
    category: Name
    seed: int
    fusion: Name
    values: list[DegradedValue]


def degraded_values(
    degradation: str,
    *,
    scores: Mapping[str, NDArray[np.float64]],
    thresholds: Mapping[str, float],
    maps: Mapping[str, Sequence[NDArray[Any]]],
    masks: Sequence[NDArray[np.bool_]],
    labels: NDArray[np.bool_],
    mask_known: NDArray[np.bool_],
    gate_weight: float | None,
) -> list[Value]:
    """All metrics of all branches; every image has a score, pixels count where a mask is known."""
    rows = np.flatnonzero(mask_known).tolist()
    values = []
    for branch in maps:
        found = _metrics(
            [maps[branch][row] for row in rows],
            [masks[row] for row in rows],
            scores[branch][mask_known],
            labels[mask_known],
        )
        if len(rows) < len(labels):
            found["i_auroc"] = _metrics(maps[branch], masks, scores[branch], labels)["i_auroc"]
        flagged = scores[branch] > thresholds[branch]
        found[FLAGGED_GOOD] = _share(flagged[~labels])
        found[FLAGGED_DEFECTIVE] = _share(flagged[labels])
        names = (*METRICS, FLAGGED_GOOD, FLAGGED_DEFECTIVE)
        values += [_value(degradation, branch, name, found[name]) for name in names]
    if gate_weight is not None:
        values.append(_value(degradation, "fused", GATE, gate_weight))
    return values


def _metrics(
    maps: Sequence[NDArray[Any]],
    masks: Sequence[NDArray[np.bool_]],
    scores: NDArray[np.float64],
    labels: NDArray[np.bool_],
) -> dict[str, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        return evaluate(maps, masks, scores, labels, LIMITS).values()


def _share(flagged: NDArray[np.bool_]) -> float:
    return float(flagged.mean()) if flagged.size else math.nan


def _value(degradation: str, branch: str, metric: str, value: float) -> Value:
    number = value if math.isfinite(value) else None
    return {"degradation": degradation, "branch": branch, "metric": metric, "value": number}


def write_robustness(
    path: Path, stage: Stage, identity: Mapping[str, Any], values: Sequence[Value]
) -> None:
    """Write one job's numbers; `identity` has data set, run, category, seed and fusion."""
    write_json(path, {"stage": stage.to_dict(), **identity, "values": values})


def read_robustness(path: Path) -> Robustness:
    """Read and check one `robustness.json`; `UserError` names the file and the bad field."""
    return read_checked(Robustness, path, "dcrdf robustness")


def collect_robustness(expected: Mapping[Path, str]) -> pd.DataFrame:
    """The numbers of all files as tidy rows, undefined ones as NaN.

    `expected` maps a file to the digest that its record must have (`UserError` where it has not).
    """
    rows = []
    for path, digest in expected.items():
        read = read_robustness(path)
        if read.stage.digest != digest:
            raise UserError(f"{path}: was made with other settings; run the workflow again")
        head = read.model_dump(include={"dataset", "run", "category", "seed", "fusion"})
        rows += [head | value.model_dump() for value in read.values]
    return pd.DataFrame(rows).astype({"value": float})
