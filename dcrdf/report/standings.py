"""Who is best, and what its threshold does: the figures that the summary puts into words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dcrdf.report.counting import Counts, count
from dcrdf.report.runs import RunResult
from dcrdf.results.pivot import MEAN, Table

RANKING_METRIC = "i_auroc"
LOCALISATION_METRIC = "aupro_30"

FirstSeeds = Mapping[str, Mapping[str, RunResult]]
"""Category -> run -> its result with the lowest seed."""


@dataclass(frozen=True)
class Standing:
    """A run over all categories; shares of 1, NaN where undefined."""

    run: str
    auroc: float
    auroc_deviation: float
    aupro: float
    counts: Mapping[int, Counts]
    """Seed -> defects found and good images rejected, over all categories."""

    @property
    def first(self) -> Counts:
        """The counts of the lowest seed, the one that pictures show."""
        return self.counts[min(self.counts)]


def find_table(tables: Sequence[Table], metric: str, branch: str = "fused") -> Table | None:
    """The metric's table at native size if there is one, exact if there is one."""
    keys = (table for table in tables if table.key.metric == metric and table.key.branch == branch)
    return next(keys, None)


def rank_runs(tables: Sequence[Table], results: Sequence[RunResult]) -> list[Standing]:
    """Runs by mean image AUROC of the fused score, then AUPRO up to 30 %; incomplete means last."""
    auroc = find_table(tables, RANKING_METRIC)
    aupro = find_table(tables, LOCALISATION_METRIC)
    runs = dict.fromkeys(result.files.run for result in results)
    standings = [
        Standing(
            run,
            _mean(auroc, run, "value"),
            _mean(auroc, run, "deviation"),
            _mean(aupro, run, "value"),
            _counts_by_seed(results, run),
        )
        for run in runs
    ]
    unfit = {run: _is_incomplete(auroc, run) for run in runs}
    return sorted(standings, key=lambda s: (unfit[s.run], -_or_zero(s.auroc), -_or_zero(s.aupro)))


def first_seeds(results: Sequence[RunResult]) -> dict[str, dict[str, RunResult]]:
    """Of every category and run the result with the lowest seed, in the order of `results`."""
    chosen: dict[str, dict[str, RunResult]] = {}
    for result in results:
        runs = chosen.setdefault(result.files.category, {})
        held = runs.get(result.files.run)
        if held is None or result.files.seed < held.files.seed:
            runs[result.files.run] = result
    return chosen


def _counts_by_seed(results: Sequence[RunResult], run: str) -> dict[int, Counts]:
    counts: dict[int, Counts] = {}
    for result in results:
        if result.files.run == run:
            seed, own = result.files.seed, count(result)
            counts[seed] = counts[seed] + own if seed in counts else own
    return counts


def _mean(table: Table | None, run: str, what: str) -> float:
    frame: pd.DataFrame | None = None if table is None else getattr(table, what)
    return float("nan") if frame is None or run not in frame.index else float(frame.at[run, MEAN])


def _is_incomplete(table: Table | None, run: str) -> bool:
    return (
        table is not None and run in table.incomplete.index and bool(table.incomplete.at[run, MEAN])
    )


def _or_zero(value: float) -> float:
    return 0.0 if np.isnan(value) else value
