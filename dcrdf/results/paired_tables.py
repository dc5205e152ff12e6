"""How paired differences look: as a long table, and as text for the pages that show them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from dcrdf.results.cells import UNDEFINED, percent
from dcrdf.results.markdown import escape, markdown_table
from dcrdf.results.names import SIZE_TITLES, metric_title, metrics_in_order
from dcrdf.results.paired import PairedDifference, Pairing, RunMean

SHOWN_METRICS = ("i_auroc", "aupro_30", "aupro_05")
"""What pages show where it was computed; the long table has all."""
MARKS = {1: "↑", -1: "↓", 0: ""}
COLUMNS_AFTER = ("seeds: ±, same sign", "p (Holm)")
"""Those that follow a difference."""
PAIRS_HEAD = ("pair", "first", "second", "difference", *COLUMNS_AFTER)


@dataclass(frozen=True)
class PairedCell:
    """A run's difference to one reference, in words; empty for the reference itself."""

    mark: str = ""
    difference: str = ""
    interval: str = ""
    seeds: str = ""
    p_holm: str = ""


@dataclass(frozen=True)
class PairedRow:
    """One run: its mean and deviation over seeds, and a cell per reference."""

    run: str
    mean: str
    deviation: str
    cells: list[PairedCell]


@dataclass(frozen=True)
class PairedTable:
    """One metric of all runs."""

    metric: str
    title: str
    references: Sequence[str]
    rows: list[PairedRow]


@dataclass(frozen=True)
class PairsRow:
    """A pair: the means of both runs, and how they differ."""

    run: str
    reference: str
    means: tuple[str, str]
    cell: PairedCell


@dataclass(frozen=True)
class PairsTable:
    """One metric of all pairs."""

    metric: str
    title: str
    rows: list[PairsRow]


def paired_note(pairing: Pairing) -> str:
    """What the numbers of all paired tables are."""
    options = pairing.options
    seeds = max((len(one.by_seed) for one in pairing.means), default=0)
    return (
        f"Fused map, {SIZE_TITLES[options.size]}, exact; mean over categories and {seeds}"
        f" seed{'s' if seeds > 1 else ''}, ± deviation over seeds. Differences are in points of a"
        f" percent, in brackets their {percent(options.confidence).removesuffix('.0')} % interval"
        f" for other test images ({options.resamples} draws of each category's images, the same"
        " for all runs; the trainings as they are), then their deviation over seeds and in how many"
        " seeds they have the same sign. ↑ and ↓: the interval excludes zero and all seeds agree."
        " Intervals are not corrected for the number of comparisons: of twenty equal runs about one"
        " stands out by chance. p (Holm) is: two-sided, for no difference on other test images,"
        " corrected over the runs of one column (one metric, one reference) or the pairs of one"
        " table; metrics and columns are not corrected for each other, trainings are as they are."
        " †: over the categories alone in which the metric is defined."
    )


def paired_tables(pairing: Pairing) -> list[PairedTable]:
    """A table for each of `SHOWN_METRICS` that was computed; none without a reference."""
    found = {one.metric for one in pairing.differences}
    return [_table(pairing, metric) for metric in SHOWN_METRICS if metric in found]


def pairs_tables(pairing: Pairing) -> list[PairsTable]:
    """The same of named pairs."""
    found = {one.metric for one in pairing.pairs}
    means = {(one.run, one.metric): one for one in pairing.means}
    return [
        PairsTable(
            metric,
            metric_title(metric),
            [
                PairsRow(
                    one.run,
                    one.reference,
                    (
                        _mean(means[one.run, metric], pairing.categories),
                        _mean(means[one.reference, metric], pairing.categories),
                    ),
                    _cell(one, pairing.categories),
                )
                for one in pairing.pairs
                if one.metric == metric
            ],
        )
        for metric in SHOWN_METRICS
        if metric in found
    ]


def paired_frame(pairing: Pairing) -> pd.DataFrame:
    """Everything as one long table, shares of 1: a line per metric, run and reference, or pair."""
    means = {(one.run, one.metric): one for one in pairing.means}
    lines = [
        {
            "compared": compared,
            "metric": one.metric,
            "size": "image" if one.metric.startswith("i_") else pairing.options.size,
            "run": one.run,
            "mean": means[one.run, one.metric].mean,
            "std": means[one.run, one.metric].deviation,
            "reference": one.reference,
            "reference_mean": means[one.reference, one.metric].mean,
            "difference": one.images.estimate,
            "low": one.images.low,
            "high": one.images.high,
            "p_value": one.p_value,
            "p_holm": one.p_holm,
            "seeds": len(one.by_seed),
            "seeds_std": one.deviation,
            "seeds_low": one.seeds.low,
            "seeds_high": one.seeds.high,
            "seeds_same_sign": one.same_sign,
            "categories": one.categories,
            "verdict": one.verdict,
        }
        for compared, differences in (("reference", pairing.differences), ("pair", pairing.pairs))
        for one in differences
    ]
    frame = pd.DataFrame(lines)
    order = metrics_in_order(frame["metric"]).index
    return frame.sort_values("metric", key=lambda x: x.map(order), kind="stable", ignore_index=True)


def paired_markdown(pairing: Pairing) -> str:
    """The tables as Markdown sections."""
    parts = ["# Runs against reference runs", paired_note(pairing)]
    for table in paired_tables(pairing):
        head = ["run", "mean"]
        for reference in table.references:
            head += [f"minus {escape(reference)}", *COLUMNS_AFTER]
        lines = [
            [escape(row.run), with_deviation(row), *(_cells_text(row.cells))] for row in table.rows
        ]
        parts += [f"## {table.title}: paired differences", markdown_table(head, lines)]
    for pairs in pairs_tables(pairing):
        lines = [
            [
                f"{escape(row.run)} minus {escape(row.reference)}",
                *row.means,
                *_cells_text([row.cell]),
            ]
            for row in pairs.rows
        ]
        parts += [f"## {pairs.title}: pairs of runs", markdown_table(PAIRS_HEAD, lines)]
    return "\n\n".join(parts)


def with_deviation(row: PairedRow) -> str:
    """`95.6 ± 0.3`."""
    return f"{row.mean} ± {row.deviation}" if row.deviation else row.mean


def _cells_text(cells: Sequence[PairedCell]) -> Iterator[str]:
    for cell in cells:
        shown = f"{cell.mark} **{cell.difference}**" if cell.mark else cell.difference
        yield f"{shown} {cell.interval}".strip()
        yield cell.seeds
        yield cell.p_holm


def _table(pairing: Pairing, metric: str) -> PairedTable:
    references = pairing.options.references
    found = {(one.run, one.reference): one for one in pairing.differences if one.metric == metric}
    rows = [
        PairedRow(
            one.run,
            _mean(one, pairing.categories),
            _points(one.deviation).removeprefix("+"),
            [
                _cell(found.get((one.run, reference)), pairing.categories)
                for reference in references
            ],
        )
        for one in pairing.means
        if one.metric == metric
    ]
    return PairedTable(metric, metric_title(metric), references, rows)


def _mean(one: RunMean, categories: int) -> str:
    return percent(one.mean) + ("†" if one.categories < categories else "")


def _cell(one: PairedDifference | None, categories: int) -> PairedCell:
    if one is None:
        return PairedCell()
    if one.categories == 0:
        return PairedCell(difference=UNDEFINED)
    difference = _points(one.images.estimate) + ("†" if one.categories < categories else "")
    deviation = _points(one.deviation).removeprefix("+")
    agree = f"{one.same_sign} of {len(one.by_seed)}"
    return PairedCell(
        MARKS[one.verdict],
        difference,
        f"[{_points(one.images.low)}, {_points(one.images.high)}]",
        f"± {deviation}, {agree}" if deviation else agree,
        "" if math.isnan(one.p_holm) else f"{one.p_holm:.3f}",
    )


def _points(share: float) -> str:
    """A signed difference in points of a percent; empty when undefined."""
    return "" if math.isnan(share) else f"{100.0 * share:+z.1f}"
