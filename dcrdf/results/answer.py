"""What a comparison says, in short: runs beside each other, and which of them stand above or below
a reference by more than chance."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from dcrdf.results.cells import percent
from dcrdf.results.names import short_metric_title
from dcrdf.results.paired import PairedDifference, Pairing
from dcrdf.results.section import CaptionedRows, Section

TITLE = "The comparison in short"
METRICS = ("i_auroc", "aupro_30", "aupro_05")
P_LIMIT = 0.05
COLUMNS = {1: "above it", 0: "not told apart", -1: "below it"}
_FIELDS = ["metric", "reference", "run", "difference", "low", "high", "p_holm", "stands"]


def answer_section(pairing: Pairing, equal_terms: Mapping[str, str]) -> Section | None:
    """Two kinds of tables from a pairing with references; None without any.

    `equal_terms`: run -> its terms, of runs that are held to them. A reference on such terms is
    compared with the runs on the same ones alone: what another preparation or size does is not
    what a method does.
    """
    rows = [
        {
            "metric": one.metric,
            "reference": one.reference,
            "run": one.run,
            "difference": one.images.estimate,
            "low": one.images.low,
            "high": one.images.high,
            "p_holm": one.p_holm,
            "stands": stands(one),
        }
        for one in pairing.differences
        if one.metric in METRICS and _comparable(one, equal_terms)
    ]
    if not rows:
        return None
    frame = pd.DataFrame(rows, columns=_FIELDS)
    chosen = {str(one[key]) for one in rows for key in ("run", "reference")}
    return Section(
        "answer", TITLE, _note(pairing, equal_terms), [*_tables(pairing, chosen, frame)], frame
    )


def stands(one: PairedDifference) -> int:
    """1 (above) or -1 (below) where the interval for other images excludes zero, every seed has
    that sign and p by Holm's rule is below 0.05; else 0."""
    return one.verdict if one.p_holm < P_LIMIT else 0


def _comparable(one: PairedDifference, equal_terms: Mapping[str, str]) -> bool:
    own = equal_terms.get(one.reference)
    return one.categories > 0 and (own is None or equal_terms.get(one.run) == own)


def _tables(pairing: Pairing, chosen: set[str], frame: pd.DataFrame) -> Iterable[CaptionedRows]:
    means = {(one.run, one.metric): one.mean for one in pairing.means if one.run in chosen}
    metrics = [metric for metric in METRICS if metric in set(frame["metric"])]
    runs = sorted(chosen, key=lambda run: (-means.get((run, metrics[0]), -1.0), run))
    yield CaptionedRows(
        f"Means, best {short_metric_title(metrics[0])} first",
        ["run", *map(short_metric_title, metrics)],
        [[run, *(percent(means[run, metric]) for metric in metrics)] for run in runs],
    )
    for metric in metrics:
        own = frame[frame["metric"] == metric]
        yield CaptionedRows(
            f"{short_metric_title(metric)}: which runs stand above or below a reference",
            ["reference", *COLUMNS.values()],
            [
                [reference, *_cells(own[own["reference"] == reference])]
                for reference in dict.fromkeys(own["reference"])
            ],
            is_text=True,
        )


def _cells(own: pd.DataFrame) -> Sequence[str]:
    ordered = own.sort_values("difference", ascending=False, kind="stable")
    return [
        "; ".join(_text(row) for row in ordered.to_dict("records") if row["stands"] == verdict)
        or "none"
        for verdict in COLUMNS
    ]


def _text(row: Mapping[str, float | str]) -> str:
    points = [f"{100.0 * float(row[name]):+z.1f}" for name in ("difference", "low", "high")]
    return f"{row['run']} {points[0]} [{points[1]}, {points[2]}]"


def _note(pairing: Pairing, equal_terms: Mapping[str, str]) -> str:
    seeds = max(len(one.by_seed) for one in pairing.means)
    trained = (
        f"all {seeds} seeds have its sign"
        if seeds > 1
        else "with one seed nothing is known of other trainings"
    )
    terms = (
        "A reference on equal terms is compared with the runs on the same terms alone. "
        if equal_terms
        else ""
    )
    confidence = percent(pairing.options.confidence).removesuffix(".0")
    return (
        f"{terms}In percent and points, fused map. Above or below: the {confidence} % interval for"
        f" other test images excludes zero, {trained}, and p by Holm's rule is below {P_LIMIT}."
        " What is not told apart may still differ, by as much as its interval says. It holds for"
        " these parts and kinds of defect"
    )
