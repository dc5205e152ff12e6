"""Metrics of one job: its maps against the ground truth, at the network's and at native size."""

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import EvaluateOptions
from dcrdf.config.stages import Stage, digest_of_record
from dcrdf.errors import UserError
from dcrdf.files.jsonfile import write_json
from dcrdf.metrics import aupro, aupro_name, bootstrap, evaluate
from dcrdf.metrics.undefined import UndefinedMetricWarning
from dcrdf.preparation.resize import to_native
from dcrdf.preparation.store import PreparedSplit, open_prepared
from dcrdf.results.maps import MapsFile, open_maps

Size = Literal["network", "native"]
Arrays = Sequence[NDArray[Any]]
IMAGE_METRICS = ("i_auroc", "i_ap", "i_f1max")
BOOTSTRAP_SEED = 0


def evaluate_job(
    maps_path: Path,
    prepared_path: Path,
    options: EvaluateOptions,
    stage: Stage,
    dataset: str,
    run: str,
    out: Path,
) -> None:
    """Write the metrics of one job as JSON.

    Raises `UserError` when the maps were made with other settings or for other images.
    """
    with open_maps(maps_path) as maps, open_prepared(prepared_path) as prepared:
        if digest_of_record(maps.stage) != stage.upstream["infer"]:
            raise UserError(f"{maps_path}: made with other settings; run `dcrdf infer` again")
        test = prepared.split("test")
        if maps.names != test.name or maps.defects != test.defect:
            raise UserError(f"{maps_path}: its images are not those of {prepared_path}")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UndefinedMetricWarning)
            values = list(_all_values(maps, test, options, prepared.options.resize))
        write_json(
            out,
            {
                "stage": stage.to_dict(),
                "dataset": dataset,
                "run": run,
                "category": prepared.category,
                "seed": maps.seed,
                "counts": {"good": int((test.label == 0).sum()), "defect": int(test.label.sum())},
                "values": values,
                "undefined": sorted({str(warning.message) for warning in caught}),
                "skipped": prepared.skipped,
            },
        )


@dataclass(frozen=True)
class _Task:
    """One branch at one size, with everything its metrics need."""

    branch: str
    size: Size
    maps: Arrays
    masks: Arrays
    scores: NDArray[np.float64]
    labels: NDArray[np.bool_]
    defects: Sequence[str]

    def rows_of(self, kind: str) -> "_Task":
        """Good images and those of one kind of defect."""
        keep = [i for i, defect in enumerate(self.defects) if defect in ("good", kind)]
        return _Task(
            self.branch,
            self.size,
            [self.maps[i] for i in keep],
            [self.masks[i] for i in keep],
            self.scores[keep],
            self.labels[keep],
            [self.defects[i] for i in keep],
        )


def _all_values(
    maps: MapsFile, test: PreparedSplit, options: EvaluateOptions, resize: Any
) -> Iterator[dict[str, Any]]:
    kinds = sorted({defect for defect in test.defect if defect != "good"})
    for size in options.sizes:
        masks: Any = test.gt
        if size == "native":
            masks = [test.native_gt(i) for i in range(len(test))]
        for branch in maps.branches:
            raw = maps.maps(branch)
            shown: Any = raw
            if size == "native":
                shown = [
                    to_native(x.astype(np.float32), (int(h), int(w)), resize)
                    for x, (h, w) in zip(raw, test.native_size, strict=True)
                ]
            scores, labels = maps.scores(branch), test.label.astype(bool)
            task = _Task(branch, size, shown, masks, scores, labels, test.defect)
            with_image_metrics = size == options.sizes[0]
            yield from _values(task, options, "all", with_image_metrics)
            for kind in kinds:
                yield from _values(task.rows_of(kind), options, kind, with_image_metrics)


def _values(
    task: _Task, options: EvaluateOptions, defect: str, with_image_metrics: bool
) -> Iterator[dict[str, Any]]:
    found: dict[tuple[str, str], float] = {}
    if "exact" in options.modes or with_image_metrics:
        result = evaluate(task.maps, task.masks, task.scores, task.labels, options.limits)
        found |= {("exact", name): value for name, value in result.values().items()}
    if "mvtec100" in options.modes:
        areas = aupro(task.maps, task.masks, options.limits, mode="mvtec100")
        named = zip(options.limits, areas, strict=True)
        found |= {("mvtec100", aupro_name(limit)): area for limit, area in named}
    intervals = _intervals(task, options) if options.bootstrap and defect == "all" else {}
    for (mode, name), value in found.items():
        is_image = name in IMAGE_METRICS
        if is_image and not with_image_metrics:
            continue
        if mode == "exact" and not is_image and "exact" not in options.modes:
            continue
        low, high = intervals.get(name, (None, None)) if mode == "exact" else (None, None)
        yield {
            "branch": task.branch,
            "metric": name,
            "size": "image" if is_image else task.size,
            "mode": mode,
            "defect": defect,
            "value": _number(value),
            "low": low,
            "high": high,
        }


def _intervals(task: _Task, options: EvaluateOptions) -> dict[str, tuple[Any, Any]]:
    samples = bootstrap(
        task.maps,
        task.masks,
        task.scores,
        task.labels,
        options.limits,
        resamples=options.bootstrap,
        seed=BOOTSTRAP_SEED,
    )
    intervals = samples.intervals(options.confidence)
    return {name: (_number(x.low), _number(x.high)) for name, x in intervals.items()}


def _number(value: float) -> float | None:
    """JSON has no NaN; an undefined metric is null."""
    return value if math.isfinite(value) else None
