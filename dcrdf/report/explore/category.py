"""What the page of one category shows, as plain values for its script."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dcrdf.errors import UserError
from dcrdf.modalities import BRANCHES, FUSED
from dcrdf.report.context import Prepared, ReportContext
from dcrdf.report.curves import PRO_LIMIT
from dcrdf.report.explore.overlap import overlap_curve
from dcrdf.report.explore.packing import (
    map_side_px,
    outlines,
    pack_colour,
    pack_heights,
    pack_maps,
)
from dcrdf.report.explore.readings import sensor_readings
from dcrdf.report.figures import height_scale, usual_value
from dcrdf.report.runs import RunResult
from dcrdf.report.standings import RANKING_METRIC
from dcrdf.results.names import branch_title


def category_data(
    context: ReportContext, category: str, runs: Mapping[str, RunResult]
) -> dict[str, Any]:
    """All test images of a category with their pictures, and what every run says of them.

    Raises `UserError` where runs were scored on different images.
    """
    first = next(iter(runs.values()))
    places = list(dict.fromkeys(result.files.prepared for result in runs.values()))
    side = map_side_px(len(first.name), len(runs))
    shown: list[dict[str, Any]] = []
    views: dict[str, dict[str, Any]] = {}
    areas = np.zeros(len(first.name))
    readings: list[dict[str, Any]] = []
    for at, place in enumerate(places):
        with context.open_prepared(place) as prepared:
            for run, result in runs.items():
                if result.files.prepared == place:
                    _require_same_images(first, result, prepared, place)
                    views[run] = _run(context, result, prepared, side) | {"prepared": at}
            shown.append(_pictures(prepared))
            if at == 0:
                areas = prepared.split("test").gt.mean(axis=(1, 2))
                readings = [one.to_dict() for one in sensor_readings(prepared)]
    return {
        "category": category,
        "hasTruth": True,
        "images": _images(first, areas),
        "prepared": shown,
        "runs": [views[run] for run in runs],
        "readings": readings,
    }


def _require_same_images(
    first: RunResult, result: RunResult, prepared: Prepared, place: Path
) -> None:
    test = prepared.split("test")
    if list(test.name) != result.name or result.size != test.gt.shape[1]:
        raise UserError(
            f"{result.files.maps}: its images are not those of {place}; run `dcrdf infer` again"
        )
    if result.name != first.name or result.defect != first.defect:
        raise UserError(
            f"{result.files.maps}: its images are not those of {first.files.maps};"
            " run `dcrdf infer` again"
        )


def _images(result: RunResult, areas: NDArray[np.float64]) -> list[dict[str, Any]]:
    each = zip(result.name, result.defect, result.is_defect, areas, strict=True)
    return [
        {"name": name, "kind": kind, "isDefect": bool(bad), "area": float(f"{area:.3g}")}
        for name, kind, bad, area in each
    ]


def _pictures(prepared: Prepared) -> dict[str, Any]:
    test = prepared.split("test")
    heights = pack_heights(list(test.depth))
    scale, mm = height_scale(test.depth), prepared.height_range_mm
    return {
        "colour": [pack_colour(one) for one in test.rgb],
        "heights": heights.to_dict(),
        "shown": [scale.low, scale.high],
        "mm": None if mm is None else [round(value, 5) for value in mm],
        "outlines": [outlines(mask) for mask in test.gt],
    }


def _run(
    context: ReportContext, result: RunResult, prepared: Prepared, side: int
) -> dict[str, Any]:
    good = ~result.is_defect
    maps: dict[str, dict[str, Any]] = {}
    curve = None
    for branch in (name for name in BRANCHES if name in result.scores):
        values = result.maps(branch)
        maps[branch] = pack_maps(list(values), side if branch == FUSED else side // 2).to_dict() | {
            "title": branch_title(branch),
            "usual": usual_value(values, good),
            "threshold": result.limit(branch),
        }
        if branch == FUSED:
            curve = overlap_curve(values, prepared.split("test").gt, PRO_LIMIT)
    run = result.files.run
    return {
        "name": run,
        "label": context.labels.get(run, ""),
        "model": (result.files.maps.parent / "model").as_posix(),
        "threshold": result.threshold.threshold,
        "note": result.threshold.note,
        "scores": {branch: scores.tolist() for branch, scores in result.scores.items()},
        "validation": result.validation[FUSED].tolist(),
        "notJudged": result.not_judged,
        "maps": maps,
        "overlap": None if curve is None else curve._asdict(),
        "auroc": _auroc(context.rows, result),
    }


def _auroc(rows: pd.DataFrame, result: RunResult) -> list[float | None] | None:
    """The image AUROC with its interval, where one was computed."""
    files = result.files
    part = rows[
        (rows["run"] == files.run)
        & (rows["category"] == files.category)
        & (rows["seed"] == files.seed)
        & (rows["branch"] == FUSED)
        & (rows["metric"] == RANKING_METRIC)
        & (rows["mode"] == "exact")
        & (rows["defect"] == "all")
    ]
    if len(part) != 1 or pd.isna(part["value"].item()):
        return None
    found = (part[name].item() for name in ("value", "low", "high"))
    return [None if pd.isna(value) else float(value) for value in found]
