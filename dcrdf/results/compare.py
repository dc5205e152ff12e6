"""The papers' printed numbers beside ours, never without saying whose and how made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from dcrdf.results.cells import percent
from dcrdf.results.markdown import escape, markdown_table
from dcrdf.results.names import MODE_TITLES, SIZE_TITLES, branch_title, metric_title
from dcrdf.results.pivot import MEAN, Table
from dcrdf.results.published import (
    TABLE_KEY,
    check_means,
    evaluation_of,
    load_published,
    load_sources,
)

OURS = "ours"
METRIC_OF_PAPERS = {
    "i_auroc": "i_auroc",
    "i_ap": "i_ap",
    "p_auroc": "p_auroc",
    "p_ap": "p_ap",
    "aupro": "aupro_30",
}
MODALITY_OF_BRANCH = {"fused": "both", "rgb": "rgb", "depth": "depth"}
NOTE = (
    "Printed numbers are quoted as they stand in the papers; sizes, blur, thresholds and"
    " preparation differ between papers and from ours, so small differences mean nothing. The"
    " column of evaluations says how a method's released code does it, where that is known"
)
MEAN_NOTE = "the printed mean is not the mean of the printed cells"
PARTIAL_NOTE = "mean over other categories than the papers', not comparable with theirs"


class Row(NamedTuple):
    """A line of a comparison; values in percent, NaN where nothing is printed."""

    papers: tuple[str, ...]
    """Keys of the papers that print this row; none for ours."""
    whose: str
    """Whose numbers these are and where they stand."""
    evaluation: str
    """Sizes and thresholds behind them, as far as known."""
    method: str
    values: list[float]
    mean: float
    mean_of_cells: float = float("nan")
    """Given where the printed mean cannot be the mean of the printed cells."""
    is_partial: bool = False
    """Ours, but over other categories than the papers'."""

    @property
    def remark(self) -> str:
        """What to know before comparing the mean."""
        if self.is_partial:
            return PARTIAL_NOTE
        if not np.isnan(self.mean_of_cells):
            return f"{MEAN_NOTE} ({self.mean_of_cells:.1f})"
        return ""


@dataclass(frozen=True)
class Comparison:
    """Printed and own numbers of one metric and one modality."""

    dataset: str
    metric: str
    branch: str
    categories: list[str]
    rows: list[Row]

    @property
    def title(self) -> str:
        """The metric and the branch in words."""
        return f"{metric_title(self.metric)}, {branch_title(self.branch)}"


def comparisons(tables: Sequence[Table], labels: Mapping[str, str]) -> list[Comparison]:
    """One comparison for every metric and branch of `tables` that the papers print numbers of; our
    rows say by the runs' `labels` whether they are as published.

    The data set must be the papers'; for any other the list is empty.
    """
    found: dict[tuple[str, str, str], list[Table]] = {}
    printed = set(load_published()["dataset"])
    for key, table in ((table.key, table) for table in tables if table.key.dataset in printed):
        found.setdefault((key.dataset, key.metric, key.branch), []).append(table)
    compared = (_compare(*key, ours, labels) for key, ours in found.items())
    return [comparison for comparison in compared if comparison is not None]


def comparison_frame(beside: Iterable[Comparison]) -> pd.DataFrame:
    """All comparisons as one long table, values in percent."""
    lines = [
        (
            one.dataset,
            one.metric,
            one.branch,
            row.whose,
            row.method,
            row.evaluation,
            row.remark,
            *cell,
        )
        for one in beside
        for row in one.rows
        for cell in zip([*one.categories, MEAN], [*row.values, row.mean], strict=True)
    ]
    head = [
        "dataset",
        "metric",
        "branch",
        "whose",
        "method",
        "evaluation",
        "remark",
        "column",
        "percent",
    ]
    return pd.DataFrame(lines, columns=head)


def cited_sources(beside: Iterable[Comparison]) -> pd.DataFrame:
    """The papers whose numbers are shown, as in `load_sources`."""
    papers = {paper for one in beside for row in one.rows for paper in row.papers}
    sources = load_sources()
    return sources[sources.index.isin(papers)]


def comparison_markdown(beside: Sequence[Comparison]) -> str:
    """The comparisons as Markdown sections with sources; empty when there are none."""
    if not beside:
        return ""
    parts = ["# Printed numbers beside ours", f"{NOTE}."]
    for one in beside:
        parts += [f"## {one.title}: printed and ours", _markdown(one)]
    return "\n\n".join([*parts, "## Sources of the printed numbers", _sources_markdown(beside)])


def _markdown(one: Comparison) -> str:
    head = [
        "method",
        "whose",
        "evaluation",
        MEAN,
        *(escape(name) for name in one.categories),
        "remark",
    ]
    lines = []
    for row in one.rows:
        cells = [percent(value / 100.0) for value in [row.mean, *row.values]]
        method = escape(row.method)
        if not row.papers:
            method = f"**{method}**"
        lines.append([method, escape(row.whose), escape(row.evaluation), *cells, row.remark])
    return markdown_table(head, lines)


def _sources_markdown(beside: Iterable[Comparison]) -> str:
    return "\n".join(
        f"- `{one.Index}`: {escape(one.reference)} doi:{one.doi}."
        f" Evaluation: {escape(one.evaluation)}."
        for one in cited_sources(beside).itertuples()
    )


def _compare(
    dataset: str, metric: str, branch: str, ours: Sequence[Table], labels: Mapping[str, str]
) -> Comparison | None:
    published = load_published()
    cells = published[
        (published["dataset"] == dataset)
        & (published["metric"].map(METRIC_OF_PAPERS) == metric)
        & (published["modality"] == MODALITY_OF_BRANCH[branch])
        & (published["column_kind"] != "defect")
    ]
    if cells.empty:
        return None
    printed = cells[cells["column_kind"] == "category"]["column"]
    categories = list(dict.fromkeys([*printed, *(name for t in ours for name in t.categories)]))
    rows = [row for table in ours for row in _own_rows(table, categories, set(printed), labels)]
    rows += _merge_repeated(_printed_rows(cells, categories))
    return Comparison(dataset, metric, branch, categories, rows)


def _printed_rows(cells: pd.DataFrame, categories: Sequence[str]) -> list[Row]:
    flagged = {
        tuple(row[TABLE_KEY]): row["mean_of_cells"] for _, row in check_means(cells).iterrows()
    }
    rows = []
    for key, part in cells.groupby(TABLE_KEY, sort=False):
        named = dict(zip(part["column"], part["value_percent"], strict=True))
        paper, table, _, metric, method, _ = key
        values = [named.get(category, float("nan")) for category in categories]
        mean, of_cells = named.get(MEAN, float("nan")), flagged.get(key, float("nan"))
        how = evaluation_of(method, metric)
        rows.append(Row((paper,), f"{paper}, {table}", how, method, values, mean, of_cells))
    return rows


def _merge_repeated(rows: Sequence[Row]) -> list[Row]:
    """Papers quote each other: the same method with the same numbers becomes one row."""
    merged: dict[str, Row] = {}
    for row in rows:
        key = f"{row.method} {row.values} {row.mean}"
        held = merged.get(key)
        if held is None:
            merged[key] = row
        else:
            merged[key] = held._replace(
                papers=held.papers + row.papers, whose=f"{held.whose}; {row.whose}"
            )
    return list(merged.values())


def _own_rows(
    table: Table, categories: Sequence[str], printed: set[str], labels: Mapping[str, str]
) -> list[Row]:
    how = SIZE_TITLES[table.key.size]
    if table.key.size != "image":
        how += f", {MODE_TITLES[table.key.mode]}"
    value = 100.0 * table.value.reindex(columns=[*categories, MEAN])
    same = set(table.categories) == printed
    rows = []
    for run, numbers in value.iterrows():
        full = same and not table.incomplete.at[run, MEAN]
        rows.append(
            Row(
                (),
                f"{OURS}, {labels[str(run)]}" if str(run) in labels else OURS,
                how,
                str(run),
                [float(number) for number in numbers.iloc[:-1]],
                float(numbers.iloc[-1]),
                is_partial=not full,
            )
        )
    return rows
