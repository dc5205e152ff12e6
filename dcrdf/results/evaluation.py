"""Metrics of one job: its maps against the ground truth, at the network's and at native size."""

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
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
from dcrdf.preparation.store import PreparedSplit, open_prepared
from dcrdf.results.maps import MapsFile, open_maps
from dcrdf.results.native import native_maps, native_masks, without_bars, write_submission

Size = Literal["network", "native"]
IMAGE_METRICS = ("i_auroc", "i_ap", "i_f1max")
BOOTSTRAP_SEED = 0
Values = Iterator[dict[str, Any]]


def evaluate_job(
    maps_path: Path,
    prepared_path: Path,
    options: EvaluateOptions,
    stage: Stage,
    dataset: str,
    run: str,
    out: Path,
) -> None:
    """Write the metrics of one job as JSON and, where the options ask for it, its maps as the
    official kit reads them, into the folder `submission` beside it.

    Raises `UserError` when the maps were made with other settings or for other images.
    """
    with open_maps(maps_path) as maps, open_prepared(prepared_path) as prepared:
        if digest_of_record(maps.stage) != stage.upstream["infer"]:
            raise UserError(f"{maps_path}: made with other settings; run `dcrdf infer` again")
        test, resize = prepared.split("test"), prepared.options.resize
        if maps.names != test.name or maps.defects != test.defect:
            raise UserError(f"{maps_path}: its images are not those of {prepared_path}")
        if options.submission:
            write_submission(out.parent / "submission", prepared.category, maps, test, resize)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UndefinedMetricWarning)
            values = list(_all_values(maps, test, options, resize))
        write_json(
            out,
            {
                "stage": stage.to_dict(),
                "dataset": dataset,
                "run": run,
                "category": prepared.category,
                "seed": maps.seed,
                "counts": {
                    "good": int((test.label == 0).sum()),
                    "defect": int(test.label.sum()),
                    "without_mask": int((~test.mask_known).sum()),
                },
                "values": values,
                "undefined": sorted({str(warning.message) for warning in caught}),
                "skipped": prepared.skipped,
            },
        )


@dataclass(frozen=True)
class _Rows:
    """Images of one branch at one size, with everything their metrics need."""

    maps: Sequence[NDArray[Any]]
    masks: Sequence[NDArray[np.bool_]]
    scores: NDArray[np.float64]
    labels: NDArray[np.bool_]
    options: EvaluateOptions

    def chosen(self, rows: NDArray[np.bool_]) -> "_Rows":
        """A part of the images."""
        if rows.all():
            return self
        numbers = np.flatnonzero(rows).tolist()
        return _Rows(
            [self.maps[i] for i in numbers],
            [self.masks[i] for i in numbers],
            self.scores[rows],
            self.labels[rows],
            self.options,
        )

    @cached_property
    def exact(self) -> dict[str, float]:
        """Every metric by name."""
        limits = self.options.limits
        return evaluate(self.maps, self.masks, self.scores, self.labels, limits).values()

    @cached_property
    def mvtec100(self) -> dict[str, float]:
        """AUPRO by the official kit's 100 thresholds."""
        limits = self.options.limits
        areas = aupro(self.maps, self.masks, limits, mode="mvtec100")
        return {aupro_name(limit): area for limit, area in zip(limits, areas, strict=True)}

    @cached_property
    def intervals(self) -> dict[str, tuple[float | None, float | None]]:
        """Bootstrap intervals of the exact metrics."""
        samples = bootstrap(
            self.maps,
            self.masks,
            self.scores,
            self.labels,
            self.options.limits,
            resamples=self.options.bootstrap,
            seed=BOOTSTRAP_SEED,
        )
        intervals = samples.intervals(self.options.confidence)
        return {name: (_number(x.low), _number(x.high)) for name, x in intervals.items()}


def _all_values(
    maps: MapsFile, test: PreparedSplit, options: EvaluateOptions, resize: Any
) -> Values:
    """Pixels count only where a mask says which are defective; every image counts as an image."""
    defects = np.array(test.defect)
    kinds = sorted(set(test.defect) - {"good"})
    for size in options.sizes:
        for branch in maps.branches:
            everything = _rows(maps, test, branch, size, options, resize)
            for kind in ("all", *kinds):
                of_kind = np.isin(defects, ["good", kind]) | (kind == "all")
                head = {"branch": branch, "defect": kind}
                if size == options.sizes[0]:
                    yield from _image_values(everything.chosen(of_kind), head)
                yield from _pixel_values(
                    everything.chosen(of_kind & test.mask_known), {**head, "size": size}
                )


def _rows(
    maps: MapsFile,
    test: PreparedSplit,
    branch: str,
    size: Size,
    options: EvaluateOptions,
    resize: Any,
) -> _Rows:
    shown: Sequence[NDArray[Any]] = maps.maps(branch)  # type: ignore[assignment]
    masks: Sequence[NDArray[np.bool_]] = test.gt  # type: ignore[assignment]
    if size == "native":
        shown, masks = native_maps(shown, test.native_size, resize), native_masks(test)
    elif resize == "letterbox":
        shown = without_bars(shown, test.native_size)
        masks = without_bars(masks, test.native_size)
    return _Rows(shown, masks, maps.scores(branch), test.label.astype(bool), options)


def _image_values(rows: _Rows, head: dict[str, Any]) -> Values:
    intervals = _intervals(rows, head)
    for name in IMAGE_METRICS:
        low, high = intervals.get(name, (None, None))
        yield _value({**head, "size": "image"}, name, "exact", rows.exact[name], low, high)


def _pixel_values(rows: _Rows, head: dict[str, Any]) -> Values:
    if "exact" in rows.options.modes:
        intervals = _intervals(rows, head)
        for name in sorted(rows.exact.keys() - set(IMAGE_METRICS)):
            low, high = intervals.get(name, (None, None))
            yield _value(head, name, "exact", rows.exact[name], low, high)
    if "mvtec100" in rows.options.modes:
        for name, value in rows.mvtec100.items():
            yield _value(head, name, "mvtec100", value, None, None)


def _intervals(rows: _Rows, head: dict[str, Any]) -> dict[str, tuple[float | None, float | None]]:
    wanted = rows.options.bootstrap > 0 and head["defect"] == "all"
    return rows.intervals if wanted else {}


def _value(
    head: dict[str, Any], name: str, mode: str, value: float, low: Any, high: Any
) -> dict[str, Any]:
    named = {"metric": name, "mode": mode, "value": _number(value), "low": low, "high": high}
    return {**head, **named}


def _number(value: float) -> float | None:
    """JSON has no NaN; an undefined metric is null."""
    return value if math.isfinite(value) else None
