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
    tables = [
        table
        for part in _by_categories(whole)
        for table in _tables(part, order_of_runs, order_of_categories)
    ]
    metrics = metrics_in_order(table.key.metric for table in tables)
    branches = in_order((table.key.branch for table in tables), BRANCH_TITLES)
    sizes, modes = ("image", "native", "network"), ("exact", "mvtec100")

    def place(table: Table) -> tuple[str, int, int, int, int]:
        key = table.key
        return (
            key.dataset,
            metrics.index(key.metric),
            sizes.index(key.size),
            modes.index(key.mode),
            branches.index(key.branch),
        )

    return sorted(tables, key=place)


def _by_categories(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows of all tables that have the same columns, so that they are pivoted together."""
    keys = rows[list(TableKey._fields)].apply(tuple, axis=1)
    categories = rows["category"].groupby(keys).agg(frozenset)
    for same in set(categories):
        yield rows[keys.isin(categories.index[categories == same])]


def _tables(
    part: pd.DataFrame, order_of_runs: Sequence[str], order_of_categories: Sequence[str]
) -> Iterator[Table]:
    line = [*TableKey._fields, "run"]
    by_seed = part.pivot(index=[*line, "seed"], columns="category", values="value")
    by_seed = by_seed[in_order(by_seed.columns, order_of_categories)]
    by_seed.columns.name = None
    missing = by_seed.isna()
    by_seed[MEAN] = by_seed.mean(axis=1)
    missing[MEAN] = missing.any(axis=1)

    groups = by_seed.groupby(level=line, sort=False)
    seeds = groups.count()
    incomplete = missing.groupby(level=line, sort=False).any() & (seeds > 0)
    frames = groups.mean(), groups.std(ddof=1).mask(incomplete), seeds, incomplete
    arrays = [frame.to_numpy() for frame in frames]
    lines: dict[TableKey, dict[str, int]] = {}
    for number, (*key, run) in enumerate(seeds.index):
        lines.setdefault(TableKey(*key), {})[run] = number
    for table_key, of_run in lines.items():
        runs = in_order(of_run, order_of_runs)
        chosen = [of_run[run] for run in runs]
        yield Table(
            table_key, *(pd.DataFrame(array[chosen], runs, by_seed.columns) for array in arrays)
        )
