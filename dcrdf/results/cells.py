"""How one number looks: percent with one decimal, deviation, mark, and which is best."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcrdf.results.names import (
    GROUND_TRUTH_RULES,
    MODE_TITLES,
    SIZE_TITLES,
    branch_title,
    metric_title,
)
from dcrdf.results.pivot import Table, TableKey

UNDEFINED = "-"
DAGGER_NOTE = (
    "some of the values behind this cell are undefined or absent;"
    " it is the mean of the others and is not compared with full means"
)
DEVIATION_NOTE = "Mean ± sample standard deviation over seeds where a run has two or more."


@dataclass(frozen=True)
class Cell:
    """A formatted table cell."""

    value: str
    deviation: str = ""
    incomplete: bool = False
    best: bool = False


def percent(share: float) -> str:
    """A share of 1 as percent with one decimal; `-` when undefined."""
    return UNDEFINED if np.isnan(share) else f"{100.0 * share:.1f}"


def format_cells(table: Table) -> list[list[Cell]]:
    """The cells of `table`, row by row; per column every value that shows as the best is marked."""
    value, deviation, incomplete = (
        frame.to_numpy() for frame in (table.value, table.deviation, table.incomplete)
    )
    best = best_shown(np.where(incomplete, np.nan, value))
    return [
        [
            Cell(
                percent(value[at]),
                "" if np.isnan(deviation[at]) else percent(deviation[at]),
                bool(incomplete[at]),
                bool(best[at]),
            )
            for at in ((row, column) for column in range(value.shape[1]))
        ]
        for row in range(value.shape[0])
    ]


def best_shown(value: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where a column's largest value stands, ties at the printed precision included.

    Nothing is best where all runs show the same, or only one has a value: there is no contest.
    """
    shown = np.round(100.0 * value, 1)
    largest = np.fmax.reduce(shown, axis=0)
    return (shown == largest) & (np.fmin.reduce(shown, axis=0) < largest)


def table_title(key: TableKey) -> str:
    """The metric with its limit, and the branch."""
    return f"{metric_title(key.metric)}, {branch_title(key.branch)}"


def table_rule(key: TableKey) -> str:
    """How the numbers were made: size, thresholds, ground truth."""
    return f"{SIZE_TITLES[key.size]}; {MODE_TITLES[key.mode]}; {GROUND_TRUTH_RULES[key.size]}"
