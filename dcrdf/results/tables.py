"""The result tables as files: tidy and wide CSV, Markdown, LaTeX; same rows, same bytes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from dcrdf.errors import UserError
from dcrdf.files.atomic import replacing
from dcrdf.results.compare import Comparison, comparison_frame, comparison_markdown, comparisons
from dcrdf.results.interval_table import intervals_markdown
from dcrdf.results.latex import latex_document
from dcrdf.results.markdown import escape, markdown_document
from dcrdf.results.names import in_order, metrics_in_order
from dcrdf.results.paired import Pairing
from dcrdf.results.paired_tables import (
    paired_frame,
    paired_markdown,
    paired_note,
    paired_tables,
)
from dcrdf.results.pivot import Table, make_tables
from dcrdf.results.rows import KEY
from dcrdf.results.section import Section

OPTIONAL = ("wide_", "comparison.", "paired.", "costs.", "evidence.", "answer.")
"""How the names of tables begin that not every configuration has."""


def write_tables(
    rows: pd.DataFrame,
    out_folder: Path,
    order_of_runs: Sequence[str] = (),
    order_of_categories: Sequence[str] = (),
    pairing: Pairing | None = None,
    notes: Sequence[str] = (),
    labels: Mapping[str, str] = MappingProxyType({}),
    sections: Sequence[Section] = (),
    answer: Section | None = None,
) -> None:
    """Write `rows` (from `collect`) to `out_folder`.

    `tidy.csv` has every number in full; `wide_METRIC.csv` the tables of one metric as shares of 1;
    `tables.md` and `tables.tex` all tables in percent, `tables.md` with the bootstrap intervals
    of the fused map where there are any; `comparison.csv` the papers' printed
    numbers beside ours where the data set has any; `paired.csv` the differences of `pairing`; each
    of `sections` its own CSV, and so the `answer`, which opens `tables.md`.
    `labels` (run -> whether it is as published) stand in all of them but `paired.csv`; `notes` end
    `tables.md`. Raises `UserError` for rows of several data sets, or when a file cannot
    be written.
    """
    datasets = sorted(set(rows["dataset"]))
    if len(datasets) != 1:
        raise UserError(f"tables: expected one data set, got {', '.join(datasets) or 'none'}")
    tables = make_tables(rows, order_of_runs, order_of_categories)
    if not tables:
        raise UserError("tables: the metrics hold no values for whole test sets")
    beside = comparisons(tables, labels)
    appendices = (
        intervals_markdown(rows, order_of_runs, order_of_categories),
        paired_markdown(pairing) if pairing else "",
        comparison_markdown(beside),
        *(section.markdown for section in sections),
        "\n".join(f"- {escape(note)}" for note in notes),
    )
    tidy = sort_rows(rows, order_of_runs, order_of_categories)
    texts = {
        "tidy.csv": _csv(tidy.assign(label=_labels_of(tidy, labels))),
        **{
            f"wide_{metric}.csv": _csv(frame.assign(label=_labels_of(frame, labels)))
            for metric, frame in _wide(tables).items()
        },
        "tables.md": markdown_document(
            datasets[0],
            tables,
            *appendices,
            labels=labels,
            opening=answer.markdown if answer else "",
        ),
        "tables.tex": latex_document(
            tables,
            paired_tables(pairing) if pairing else (),
            paired_note(pairing) if pairing else "",
            labels=labels,
        ),
    }
    chosen = (*sections, *([answer] if answer else ()))
    _write(out_folder, texts | _optional_texts(pairing, beside, chosen))


def _optional_texts(
    pairing: Pairing | None, beside: Sequence[Comparison], sections: Sequence[Section]
) -> dict[str, str]:
    """The tables that not every configuration has, by their names."""
    texts = {f"{section.name}.csv": _csv(section.frame) for section in sections}
    if pairing:
        texts["paired.csv"] = _csv(paired_frame(pairing))
    if beside:
        texts["comparison.csv"] = _csv(comparison_frame(beside))
    return texts


def sort_rows(
    rows: pd.DataFrame,
    order_of_runs: Sequence[str] = (),
    order_of_categories: Sequence[str] = (),
) -> pd.DataFrame:
    """Tidy rows in an order that does not depend on the order of the files."""
    wanted = {
        "run": in_order(rows["run"], order_of_runs),
        "category": in_order(rows["category"], order_of_categories),
        "metric": metrics_in_order(rows["metric"]),
    }

    def rank(column: pd.Series) -> pd.Series:
        order = wanted.get(str(column.name))
        return column if order is None else column.map(order.index)

    return rows.sort_values(KEY, key=rank, ignore_index=True)


def _wide(tables: Sequence[Table]) -> dict[str, pd.DataFrame]:
    """Metric -> its tables stacked, each run in three rows: mean, std and seeds."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for table in tables:
        key = table.key
        head = {"branch": key.branch, "size": key.size, "mode": key.mode}
        is_complete = ~table.incomplete["mean"].to_numpy()
        for statistic, frame in (
            ("mean", table.value),
            ("std", table.deviation),
            ("seeds", table.seeds),
        ):
            numbers = frame.to_numpy(float).tolist()
            lines.setdefault(key.metric, []).extend(
                {
                    **head,
                    "run": run,
                    "statistic": statistic,
                    **dict(zip(frame.columns, values, strict=True)),
                    "mean_is_complete": complete,
                }
                for run, values, complete in zip(frame.index, numbers, is_complete, strict=True)
            )
    return {metric: pd.DataFrame(own) for metric, own in lines.items()}


def _labels_of(frame: pd.DataFrame, labels: Mapping[str, str]) -> pd.Series:
    return frame["run"].map(lambda run: labels.get(run, ""))


def _csv(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False, lineterminator="\n")


def _write(folder: Path, texts: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror}; choose another folder") from None
    for name, text in texts.items():
        with replacing(folder / name) as partial:
            partial.write_text(text, encoding="utf-8")
    for stale in folder.glob("*.csv"):
        if stale.name not in texts and stale.name.startswith(OPTIONAL):
            stale.unlink()
