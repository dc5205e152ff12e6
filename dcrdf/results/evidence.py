"""Metrics by evidence: defects that show in colour alone, in shape alone, or in both.

Two branches are claimed to help by what one of them alone cannot see; this is where it would show.
"""

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from dcrdf.results.cells import UNDEFINED, percent
from dcrdf.results.names import SIZE_TITLES, in_order, short_metric_title
from dcrdf.results.section import CaptionedRows, Section

TITLE = "By evidence"
METRICS = ("i_auroc", "aupro_30")
GROUPS = {"colour": "colour alone", "shape": "shape alone", "both": "colour and shape"}
_JOB = ["run", "group", "category", "seed"]


def evidence_section(
    rows: pd.DataFrame, evidence: Mapping[str, str], order_of_runs: Sequence[str]
) -> Section | None:
    """Tidy `rows` (of `collect`) of the kinds that `evidence` names; None where there are none.

    A kind's metric is against all good images. It is averaged over the kinds of a group, then over
    the categories that have any, then over seeds.
    """
    size = "native" if "native" in set(rows["size"]) else "network"
    chosen = rows[
        (rows["branch"] == "fused")
        & (rows["mode"] == "exact")
        & rows["metric"].isin(METRICS)
        & rows["size"].isin(("image", size))
        & rows["defect"].isin(list(evidence))
    ]
    if chosen.empty:
        return None
    frame = _averaged(chosen.assign(group=chosen["defect"].map(dict(evidence))))
    kinds = {
        group: sorted(set(chosen.loc[chosen["defect"].map(dict(evidence)) == group, "defect"]))
        for group in GROUPS
    }
    named = "; ".join(
        f"{GROUPS[group]}: {', '.join(names)}" for group, names in kinds.items() if names
    )
    note = (
        f"In percent, fused map, {SIZE_TITLES[size]}, exact; each kind of defect against all good"
        " images, mean over the kinds of a group, then over categories, ± deviation over seeds."
        f" {named[0].upper()}{named[1:]}"
    )
    tables = [
        _table(metric, frame, order_of_runs) for metric in METRICS if metric in set(frame["metric"])
    ]
    return Section("evidence", TITLE, note, tables, frame)


def _averaged(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per metric, run and group: mean, deviation over seeds, numbers of categories and
    seeds. A value that is undefined makes its mean undefined."""
    by = ["metric", *_JOB]
    jobs = rows.groupby(by, sort=False)["value"].agg(_mean)
    seeds = jobs.groupby(["metric", "run", "group", "seed"], sort=False).agg(_mean)
    frame = seeds.groupby(["metric", "run", "group"], sort=False).agg(
        mean=_mean, std="std", seeds="size"
    )
    counts = rows.groupby(["metric", "run", "group"])["category"].nunique()
    return frame.assign(categories=counts).reset_index()


def _mean(values: pd.Series) -> float:
    return float(values.mean(skipna=False))


def _table(metric: str, frame: pd.DataFrame, order_of_runs: Sequence[str]) -> CaptionedRows:
    own = frame[frame["metric"] == metric].set_index(["run", "group"])
    groups = [group for group in GROUPS if group in own.index.get_level_values("group")]
    rows = [
        [run, *(_cell(own, run, group) for group in groups)]
        for run in in_order(own.index.get_level_values("run"), order_of_runs)
    ]
    head = ["run", *(GROUPS[group] for group in groups)]
    return CaptionedRows(f"{short_metric_title(metric)} by evidence", head, rows)


def _cell(own: pd.DataFrame, run: str, group: str) -> str:
    if (run, group) not in own.index:
        return UNDEFINED
    mean, deviation = (float(own.at[(run, group), name]) for name in ("mean", "std"))
    shown = percent(mean)
    return shown if math.isnan(deviation) else f"{shown} ± {100.0 * deviation:.1f}"
