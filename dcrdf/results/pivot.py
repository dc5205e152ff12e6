"""Tidy rows -> one table per metric, branch, size and mode: runs by categories, over seeds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from dcrdf.results.names import BRANCH_TITLES, in_order, metrics_in_order

MEAN = "mean"


class TableKey(NamedTuple):
    """What one table shows."""

    dataset: str
    metric: str
    size: str
    mode: str
    branch: str


@dataclass(frozen=True)
class Table:
    """One result table; every frame has runs as rows and categories plus `mean` as columns."""

    key: TableKey
    value: pd.DataFrame
    """Mean over seeds, as a share of 1; NaN where no seed has a defined value."""
    deviation: pd.DataFrame
    """Sample standard deviation over seeds; NaN below two seeds or where `incomplete`."""
    seeds: pd.DataFrame
    """Number of seeds with a defined value."""
    incomplete: pd.DataFrame
    """Whether values behind a cell are undefined or absent, so that it averages the rest only."""

    @property
    def categories(self) -> list[str]:
        """The columns without the mean."""
        return [str(name) for name in self.value.columns[:-1]]


def make_tables(
    rows: pd.DataFrame, order_of_runs: Sequence[str], order_of_categories: Sequence[str]
) -> list[Table]:
    """All tables of `rows` (whole test sets, not single kinds of defect) in reading order."""
    whole = rows[rows["defect"] == "all"]
    return [
        _make_table(key, part, order_of_runs, order_of_categories)
        for key, part in _parts_in_order(whole)
    ]


def _parts_in_order(rows: pd.DataFrame) -> Iterator[tuple[TableKey, pd.DataFrame]]:
    parts = dict(iter(rows.groupby(list(TableKey._fields), sort=True)))
    keys = [TableKey(*key) for key in parts]
    metrics = metrics_in_order(key.metric for key in keys)
    branches = in_order((key.branch for key in keys), BRANCH_TITLES)
    sizes, modes = ("image", "native", "network"), ("exact", "mvtec100")
    keys.sort(
        key=lambda key: (
            key.dataset,
            metrics.index(key.metric),
            sizes.index(key.size),
            modes.index(key.mode),
            branches.index(key.branch),
        )
    )
    for key in keys:
        yield key, parts[tuple(key)]


def _make_table(
    key: TableKey,
    part: pd.DataFrame,
    order_of_runs: Sequence[str],
    order_of_categories: Sequence[str],
) -> Table:
    by_seed = part.pivot(index=["run", "seed"], columns="category", values="value")
    by_seed = by_seed[in_order(by_seed.columns, order_of_categories)]
    missing = by_seed.isna()
    by_seed[MEAN] = by_seed.mean(axis=1)
    missing[MEAN] = missing.any(axis=1)

    groups = by_seed.groupby(level="run", sort=False)
    runs = in_order(by_seed.index.unique("run"), order_of_runs)
    seeds = groups.count().loc[runs]
    incomplete = missing.groupby(level="run", sort=False).any().loc[runs]
    incomplete &= seeds > 0
    deviation = groups.std(ddof=1).loc[runs].mask(incomplete)
    value = groups.mean().loc[runs]
    for frame in (value, deviation, seeds, incomplete):
        frame.columns.name = frame.index.name = None
    return Table(key, value, deviation, seeds, incomplete)
