"""Bootstrap intervals in one compact Markdown table; `tidy.csv` has all of them in full."""

from collections.abc import Sequence

import pandas as pd

from dcrdf.results.cells import percent
from dcrdf.results.markdown import escape, markdown_table
from dcrdf.results.names import SIZE_TITLES, in_order, metrics_in_order, short_metric_title

NOTE = (
    "Fused map; value [low, high] in percent, over resampled test images, at the confidence that"
    " `evaluate.confidence` asks for. The other branches' and sizes' are in `tidy.csv`"
)
_JOB = ["run", "category", "seed"]


def intervals_markdown(
    rows: pd.DataFrame, order_of_runs: Sequence[str], order_of_categories: Sequence[str]
) -> str:
    """A row per job and a column per metric, for whole test sets; empty where no interval is."""
    found = rows[(rows["branch"] == "fused") & (rows["defect"] == "all") & rows["low"].notna()]
    if found.empty:
        return ""
    size = "native" if "native" in set(found["size"]) else "network"
    shown = found[found["size"].isin(["image", size])]
    texts = {
        (*(row[key] for key in _JOB), row["metric"]): _text(row) for row in shown.to_dict("records")
    }
    metrics = metrics_in_order(shown["metric"])
    runs = in_order(shown["run"], order_of_runs)
    categories = in_order(shown["category"], order_of_categories)
    jobs = sorted(
        {key[:3] for key in texts},
        key=lambda job: (runs.index(job[0]), categories.index(job[1]), job[2]),
    )
    lines = [
        [
            f"{escape(run)}, {escape(category)}, seed {seed}",
            *(texts.get((run, category, seed, metric), "-") for metric in metrics),
        ]
        for run, category, seed in jobs
    ]
    head = ["job", *(short_metric_title(metric) for metric in metrics)]
    title = f"## Intervals, pixels at {SIZE_TITLES[size]}"
    return "\n\n".join([title, f"{NOTE}.", markdown_table(head, lines)])


def _text(row: dict[str, float]) -> str:
    return f"{percent(row['value'])} [{percent(row['low'])}, {percent(row['high'])}]"
