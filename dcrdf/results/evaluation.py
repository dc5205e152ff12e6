"""Metrics of one job: its maps against the ground truth, at the network's and at native size."""

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import EvaluateOptions, PrepareOptions
from dcrdf.config.stages import Stage
from dcrdf.files.digests import sha256_of_file
from dcrdf.files.jsonfile import write_json
from dcrdf.metrics import aupro, aupro_name, bootstrap, evaluate
from dcrdf.metrics.undefined import UndefinedMetricWarning
from dcrdf.preparation.store import PreparedSplit
from dcrdf.results.job import Images, branch_images, open_job
from dcrdf.results.maps import MapsFile
from dcrdf.results.native import write_submission

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
    with open_job(maps_path, prepared_path, stage) as (maps, prepared):
        test = prepared.split("test")
        if options.submission:
            folder = out.parent / "submission"
            write_submission(folder, prepared.category, maps, test, prepared.options)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UndefinedMetricWarning)
            values = list(_all_values(maps, test, options, prepared.options))
        write_json(
            out,
            {
                "stage": stage.to_dict(),
                "dataset": dataset,
                "run": run,
                "category": prepared.category,
                "seed": maps.seed,
                "maps_sha256": sha256_of_file(maps_path),
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
    """Images of one branch at one size, with their metrics."""

    images: Images
    options: EvaluateOptions

    def chosen(self, rows: NDArray[np.bool_]) -> "_Rows":
        """A part of the images."""
        return self if rows.all() else _Rows(self.images.chosen(rows), self.options)

    @cached_property
    def exact(self) -> dict[str, float]:
        """Every metric by name."""
        limits = self.options.limits
        return evaluate(*self.images, limits).values()

    @cached_property
    def mvtec100(self) -> dict[str, float]:
        """AUPRO by the official kit's 100 thresholds."""
        limits = self.options.limits
        areas = aupro(self.images.maps, self.images.masks, limits, mode="mvtec100")
        return {aupro_name(limit): area for limit, area in zip(limits, areas, strict=True)}

    @cached_property
    def intervals(self) -> dict[str, tuple[float | None, float | None]]:
        """Bootstrap intervals of the exact metrics."""
        samples = bootstrap(
            *self.images,
            self.options.limits,
            resamples=self.options.bootstrap,
            seed=BOOTSTRAP_SEED,
        )
        intervals = samples.intervals(self.options.confidence)
        return {name: (_number(x.low), _number(x.high)) for name, x in intervals.items()}


def _all_values(
    maps: MapsFile, test: PreparedSplit, options: EvaluateOptions, prepare: PrepareOptions
) -> Values:
    """Pixels count only where a mask says which are defective; every image counts as an image."""
    defects = np.array(test.defect)
    kinds = sorted(set(test.defect) - {"good"})
    for size in options.sizes:
        for branch in maps.branches:
            everything = _Rows(branch_images(maps, test, branch, size, prepare), options)
            for kind in ("all", *kinds):
                of_kind = np.isin(defects, ["good", kind]) | (kind == "all")
                head = {"branch": branch, "defect": kind}
                if size == options.sizes[0]:
                    yield from _image_values(everything.chosen(of_kind), head)
                yield from _pixel_values(
                    everything.chosen(of_kind & test.mask_known), {**head, "size": size}
                )


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
