"""What degraded test scans do to the scores, as tables: CSV, Markdown, and rows for the page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dcrdf.files.atomic import replacing
from dcrdf.results.cells import percent
from dcrdf.results.markdown import escape, markdown_table
from dcrdf.results.names import in_order, short_metric_title
from dcrdf.results.robustness import (
    FLAGGED_DEFECTIVE,
    FLAGGED_GOOD,
    GATE,
    INTACT,
    METRICS,
)

BRANCHES = ("fused", "rgb", "depth")
FLAGGED = (FLAGGED_GOOD, FLAGGED_DEFECTIVE)
HEAD = (
    "degradation",
    *(short_metric_title(name) for name in METRICS),
    "good flagged",
    "defective flagged",
    "s",
    "below both",
)
NOTE = (
    "In percent, fused / RGB / depth, at the network's size. Flagged: above the threshold that was"
    " set on intact validation images. s: mean weight of the colour map on"
    " the part, where a learned gate fuses. Below both: in how many of the comparisons (metrics,"
    " categories, seeds) the fused value is below the worse branch's. A branch that is absent has"
    " no value"
)


@dataclass(frozen=True)
class RobustnessTable:
    """One run on one category, or on all in the mean: a row per degradation."""

    run: str
    category: str
    """Empty for the mean of all categories."""
    title: str
    rows: list[list[str]]


def robustness_tables(
    rows: pd.DataFrame, order_of_runs: Sequence[str] = (), order_of_categories: Sequence[str] = ()
) -> list[RobustnessTable]:
    """Per run the mean of its categories and seeds, then every category (mean of its seeds)."""
    return [
        _table(part, run, category)
        for run in in_order(rows["run"], order_of_runs)
        for category, part in _parts(rows[rows["run"] == run], order_of_categories)
    ]


def _parts(
    rows: pd.DataFrame, order_of_categories: Sequence[str]
) -> Iterator[tuple[str, pd.DataFrame]]:
    categories = in_order(rows["category"], order_of_categories)
    if len(categories) > 1:
        yield "", rows
    for category in categories:
        yield category, rows[rows["category"] == category]


def _table(rows: pd.DataFrame, run: str, category: str) -> RobustnessTable:
    seeds = ", ".join(str(seed) for seed in sorted(set(rows["seed"])))
    fusions = ", ".join(sorted(set(rows["fusion"])))
    count = rows["category"].nunique()
    where = category or f"mean of {count} categories"
    names = in_order(rows["degradation"], [INTACT, *dict.fromkeys(rows["degradation"])])
    lines = [_line(name, rows[rows["degradation"] == name]) for name in names]
    return RobustnessTable(run, category, f"{run} ({fusions}), {where}, seed {seeds}", lines)


def _line(degradation: str, rows: pd.DataFrame) -> list[str]:
    scores = rows[rows["metric"].isin((*METRICS, *FLAGGED))]
    wide = scores.pivot(index=["category", "seed", "metric"], columns="branch", values="value")
    wide = wide.reindex(columns=list(BRANCHES))
    cells = [_cell(wide.xs(name, level="metric")) for name in (*METRICS, *FLAGGED)]
    gate = rows.loc[rows["metric"] == GATE, "value"]
    shown_gate = f"{gate.mean():.2f}" if len(gate) else "-"
    compared = wide[wide.index.isin(METRICS, level="metric")]
    return [degradation, *cells, shown_gate, _below_both(compared)]


def _cell(values: pd.DataFrame) -> str:
    """Means over categories and seeds; a mean that lacks a value is not shown."""
    means = [float(values[branch].mean(skipna=False)) for branch in BRANCHES]
    return " / ".join(percent(mean) for mean in means)


def _below_both(values: pd.DataFrame) -> str:
    worse = values[["rgb", "depth"]].min(axis=1, skipna=False)
    defined = values["fused"].notna() & worse.notna()
    below = int(np.count_nonzero((values["fused"] < worse)[defined]))
    return f"{below} of {int(defined.sum())}"


def write_robustness_tables(
    rows: pd.DataFrame, tables: Sequence[RobustnessTable], folder: Path
) -> None:
    """Write `robustness.csv` (a row per number) and `robustness.md` into `folder`."""
    parts = [f"## {escape(table.title)}\n\n{markdown_table(HEAD, table.rows)}" for table in tables]
    texts = {
        "robustness.csv": rows.to_csv(index=False, lineterminator="\n"),
        "robustness.md": "\n\n".join(["# Degraded test scans", f"{NOTE}.", *parts]) + "\n",
    }
    for name, text in texts.items():
        with replacing(folder / name) as aside:
            aside.write_text(text, encoding="utf-8")
