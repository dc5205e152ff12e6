"""Plain records for the page's template: tables, category sections, strips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from dcrdf.report.charts import Chart
from dcrdf.report.context import TestImages
from dcrdf.report.counting import Counts, Proportion, count, found_by_kind
from dcrdf.report.curves import histogram, pro_chart, roc_chart
from dcrdf.report.examples import CategoryPictures, RunPictures, Strip, choose
from dcrdf.report.figures import Scale
from dcrdf.report.runs import RunResult
from dcrdf.report.standings import LOCALISATION_METRIC, RANKING_METRIC, find_table
from dcrdf.results.cells import Cell, format_cells, percent, table_rule
from dcrdf.results.names import branch_title, metric_title, short_metric_title
from dcrdf.results.pivot import Table, TableKey


@dataclass(frozen=True)
class BranchRows:
    """The rows of one branch in a metric's table."""

    branch: str
    rows: list[tuple[str, list[Cell]]]


@dataclass(frozen=True)
class MetricTable:
    """All branches and runs of one metric at one size and mode."""

    rule: str
    columns: list[str]
    branches: list[BranchRows]
    has_dagger: bool


@dataclass(frozen=True)
class MetricSection:
    """All tables of one metric."""

    metric: str
    title: str
    tables: list[MetricTable]
    is_open: bool


@dataclass(frozen=True)
class ScaleView:
    """A heat map's colour scale; `threshold` is its place on it: one half, unless good parts' usual
    value lies above it."""

    branch: str
    scale: Scale
    threshold: float


@dataclass(frozen=True)
class RunView:
    """One run on one category: counts, histogram, pictures."""

    run: str
    is_best: bool
    result: RunResult
    counts: Counts
    histogram: Chart
    scales: list[ScaleView]
    strips: list[tuple[str, list[Strip]]]

    @property
    def not_judged(self) -> list[tuple[str, str, str]]:
        """Name, kind and reason of every test image that is not judged."""
        each = zip(self.result.name, self.result.defect, self.result.not_judged, strict=True)
        return [(name, kind, reason) for name, kind, reason in each if reason]


@dataclass(frozen=True)
class CategoryView:
    """One category: curves of all runs, then each run."""

    name: str
    good: int
    defective: int
    charts: list[Chart]
    runs: list[RunView]


@dataclass(frozen=True)
class Metric:
    """A metric of one run on one category in percent, with its interval where one was computed."""

    text: str
    interval: str = ""


@dataclass(frozen=True)
class KindTable:
    """Kinds of defect of a category by run: found at the threshold, and metrics of the kind."""

    category: str
    runs: list[str]
    metrics: list[str]
    rows: list[tuple[str, int, list[tuple[Proportion, list[str]]]]]


def metric_sections(tables: Sequence[Table]) -> list[MetricSection]:
    """Tables grouped by metric, then by size and mode, branches beneath each other."""
    grouped: dict[str, dict[TableKey, list[Table]]] = {}
    for table in tables:
        key = table.key._replace(branch="")
        grouped.setdefault(table.key.metric, {}).setdefault(key, []).append(table)
    return [
        MetricSection(
            metric,
            metric_title(metric),
            [_metric_table(parts) for parts in by_rule.values()],
            metric in (RANKING_METRIC, LOCALISATION_METRIC),
        )
        for metric, by_rule in grouped.items()
    ]


def category_view(
    category: str,
    results: Mapping[str, RunResult],
    images: TestImages,
    styles: Mapping[str, int],
    best: str,
    examples: int,
    with_pictures: bool,
) -> CategoryView:
    """Charts and pictures of one category; `styles` gives every run its line style.

    `with_pictures` is false for a page grown too long: then only the best run gets pictures.
    """
    pictures = CategoryPictures(images)
    runs = [
        _run_view(result, pictures, run == best, examples, with_pictures or run == best)
        for run, result in results.items()
    ]
    bad = next(iter(results.values())).is_defect
    charts = [roc_chart(results, styles), pro_chart(results, styles, images.gt)]
    return CategoryView(category, int((~bad).sum()), int(bad.sum()), charts, runs)


def kind_table(
    category: str, results: Mapping[str, RunResult], rows: pd.DataFrame, tables: Sequence[Table]
) -> KindTable:
    """Per kind of defect and run: images found, and the metrics that were computed by kind."""
    by_kind = rows[
        (rows["category"] == category) & (rows["branch"] == "fused") & (rows["defect"] != "all")
    ]
    wanted = {
        metric: table.key
        for metric in (RANKING_METRIC, LOCALISATION_METRIC)
        if (table := find_table(tables, metric)) and (by_kind["metric"] == metric).any()
    }
    found = {run: found_by_kind(result) for run, result in results.items()}
    kinds = sorted({kind for by_run in found.values() for kind in by_run})
    lines = []
    for kind in kinds:
        part = by_kind[by_kind["defect"] == kind]
        cells = [
            (
                found[run].get(kind, Proportion(0, 0)),
                [_of_run(part, run, k) for k in wanted.values()],
            )
            for run in results
        ]
        lines.append((kind, max(proportion.total for proportion, _ in cells), cells))
    return KindTable(category, list(results), [short_metric_title(m) for m in wanted], lines)


def best_run_rows(
    results: Mapping[str, Mapping[str, RunResult]],
    best: str,
    tables: Sequence[Table],
    rows: pd.DataFrame,
) -> list[tuple[str, Counts, Metric, Metric]]:
    """Category, counts, image AUROC and AUPRO of the best run."""
    auroc = find_table(tables, RANKING_METRIC)
    aupro = find_table(tables, LOCALISATION_METRIC)
    own = rows[(rows["run"] == best) & (rows["defect"] == "all")]
    return [
        (
            category,
            count(runs[best]),
            _metric(auroc, own, best, category),
            _metric(aupro, own, best, category),
        )
        for category, runs in results.items()
        if best in runs
    ]


def _metric_table(parts: Sequence[Table]) -> MetricTable:
    return MetricTable(
        table_rule(parts[0].key),
        [str(name) for name in parts[0].value.columns],
        [
            BranchRows(
                branch_title(part.key.branch),
                [
                    (str(run), cells)
                    for run, cells in zip(part.value.index, format_cells(part), strict=True)
                ],
            )
            for part in parts
        ],
        any(part.incomplete.to_numpy().any() for part in parts),
    )


def _run_view(
    result: RunResult,
    pictures: CategoryPictures,
    is_best: bool,
    examples: int,
    with_pictures: bool,
) -> RunView:
    scales: list[ScaleView] = []
    strips: list[tuple[str, list[Strip]]] = []
    if with_pictures:
        heat = RunPictures(result, pictures)
        scales = [_scale_view(result, branch, scale) for branch, scale in heat.scales.items()]
        chosen = choose(result, examples)
        strips = [
            ("Typical images", heat.strips(chosen.typical)),
            ("Hardest defects: the lowest scores", heat.strips(chosen.hardest)),
            ("Good images nearest to a false alarm", heat.strips(chosen.worst_good)),
            ("Not judged", heat.strips(chosen.not_judged)),
        ]
    return RunView(
        result.files.run,
        is_best,
        result,
        count(result),
        histogram(result),
        scales,
        [(heading, shown) for heading, shown in strips if shown],
    )


def _scale_view(result: RunResult, branch: str, scale: Scale) -> ScaleView:
    place = (result.limit(branch) - scale.low) / (scale.high - scale.low)
    return ScaleView(branch_title(branch), scale, min(max(place, 0.0), 1.0))


def _of_run(part: pd.DataFrame, run: str, key: TableKey) -> str:
    values = part[
        (part["run"] == run)
        & (part["metric"] == key.metric)
        & (part["size"] == key.size)
        & (part["mode"] == key.mode)
    ]["value"]
    return percent(float(values.mean())) if len(values) and values.notna().all() else "-"


def _metric(table: Table | None, rows: pd.DataFrame, run: str, category: str) -> Metric:
    if table is None or run not in table.value.index or category not in table.value.columns:
        return Metric("-")
    text = percent(float(table.value.at[run, category]))
    text += "†" if table.incomplete.at[run, category] else ""
    part = rows[rows["category"] == category]
    for name, wanted in table.key._asdict().items():
        part = part[part[name] == wanted]
    if len(part) != 1 or part[["low", "high"]].isna().to_numpy().any():
        return Metric(text)
    return Metric(text, f"{percent(part['low'].item())} to {percent(part['high'].item())}")
