"""What differs between two runs: their settings, and their metrics in points of a percent.

A run is a folder results/DATASET/RUN; only the categories that both have are compared.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dcrdf.errors import UserError

if TYPE_CHECKING:
    from dcrdf.results.difference import MetricDifference, SettingDifference


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf diff`."""
    parser.add_argument("run_a", type=Path, metavar="RUN_A", help="folder results/DATASET/RUN")
    parser.add_argument("run_b", type=Path, metavar="RUN_B", help="the other run's folder")


def run(args: argparse.Namespace) -> None:
    """Print the differences."""
    from dcrdf.results.difference import metric_differences, settings_differences
    from dcrdf.results.run_folder import read_run

    a, b = read_run(args.run_a), read_run(args.run_b)
    if not set(a.settings) & set(b.settings):
        raise UserError(f"{a.path}: has no category in common with {b.path}")
    print(f"A: {a.path}\nB: {b.path}")
    for name, own, other in (("A", a, b), ("B", b, a)):
        alone = [category for category in own.settings if category not in other.settings]
        if alone:
            print(f"only in {name}, not compared: {', '.join(alone)}")
    print(_settings_text(settings_differences(a.settings, b.settings)))
    for table in metric_differences(a.metrics, b.metrics):
        print(_metric_text(table))


def _settings_text(differences: "Sequence[SettingDifference]") -> str:
    if not differences:
        return "\nno setting differs"
    lines = [("setting", "A", "B")]
    for one in differences:
        where = f" ({', '.join(one.categories)})" if one.categories else ""
        lines.append((one.key + where, one.a, one.b))
    return "\n" + _aligned(lines, "<<<")


def _metric_text(table: "MetricDifference") -> str:
    from dcrdf.results.names import SIZE_TITLES, branch_title, metric_title

    title = f"{metric_title(table.metric)}, {branch_title('fused')}, {SIZE_TITLES[table.size]}, %"
    lines = [("category", "A", "B", "B - A")]
    for row in table.rows:
        lines.append(
            (row.category, _percent(row.a), _percent(row.b), _percent(row.difference, "+"))
        )
    text = f"\n{title}\n{_aligned(lines, '<>>>')}"
    categories = len(table.rows) - 1
    if table.averaged < categories:
        text += f"\nmean of the {table.averaged} of {categories} categories that both define"
    return text


def _percent(share: float | None, sign: str = "") -> str:
    return "-" if share is None else f"{100.0 * share:{sign}z.1f}"


def _aligned(lines: Sequence[tuple[str, ...]], sides: str) -> str:
    """Lines of equal length in columns; `sides` has `<` or `>` for each."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            f"{text:{side}{width}}" for text, side, width in zip(line, sides, widths, strict=True)
        ).rstrip()
        for line in lines
    )
