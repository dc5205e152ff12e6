"""What differs between two runs: settings by dotted key, metrics by category."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal, NamedTuple

from dcrdf.results.dotted import dotted
from dcrdf.results.pivot import MEAN
from dcrdf.results.rows import Metrics

ABSENT = "-"
Size = Literal["image", "network", "native"]
COMPARED: tuple[tuple[str, tuple[Size, ...]], ...] = (
    ("i_auroc", ("image",)),
    ("aupro_30", ("native", "network")),
    ("aupro_05", ("native", "network")),
)
"""Metrics of the fused map, each at the first size that both runs have."""


class SettingDifference(NamedTuple):
    """One setting that differs; `categories` is empty where it does so alike in all of them."""

    key: str
    categories: tuple[str, ...]
    a: str
    b: str


class MetricRow(NamedTuple):
    """One category, or the mean: shares of 1, None where undefined."""

    category: str
    a: float | None
    b: float | None

    @property
    def difference(self) -> float | None:
        """B minus A."""
        return None if self.a is None or self.b is None else self.b - self.a


@dataclass(frozen=True)
class MetricDifference:
    """One metric of both runs: a row per category of both, then the mean.

    The mean is over the `averaged` categories, in which both runs have a defined value.
    """

    metric: str
    size: Size
    rows: list[MetricRow]
    averaged: int


def settings_differences(
    a: Mapping[str, Mapping[str, Any]], b: Mapping[str, Mapping[str, Any]]
) -> list[SettingDifference]:
    """Compare category -> nested settings in the categories that both have."""
    common = [category for category in a if category in b]
    flat_a = {category: dict(dotted(a[category])) for category in common}
    flat_b = {category: dict(dotted(b[category])) for category in common}
    keys = sorted({key for flat in (flat_a, flat_b) for one in flat.values() for key in one})
    return [found for key in keys for found in _differences_of(key, flat_a, flat_b)]


def _differences_of(
    key: str, a: Mapping[str, Mapping[str, str]], b: Mapping[str, Mapping[str, str]]
) -> Iterator[SettingDifference]:
    by_values: dict[tuple[str, str], list[str]] = {}
    for category in a:
        values = a[category].get(key, ABSENT), b[category].get(key, ABSENT)
        by_values.setdefault(values, []).append(category)
    for values, categories in by_values.items():
        if values[0] != values[1]:
            where = () if len(by_values) == 1 else tuple(categories)
            yield SettingDifference(key, where, *values)


def metric_differences(a: Sequence[Metrics], b: Sequence[Metrics]) -> list[MetricDifference]:
    """Compare `COMPARED` in the categories that both have; a value is the mean over seeds.

    A metric that one of the runs did not evaluate is left out.
    """
    common = list(dict.fromkeys(one.category for one in a))
    common = [name for name in common if name in {one.category for one in b}]
    found = []
    for metric, sizes in COMPARED:
        for size in sizes:
            ours, theirs = _means(a, metric, size), _means(b, metric, size)
            if all(name in ours and name in theirs for name in common):
                rows = [MetricRow(name, ours[name], theirs[name]) for name in common]
                found.append(_with_mean(metric, size, rows))
                break
    return found


def _with_mean(metric: str, size: Size, rows: list[MetricRow]) -> MetricDifference:
    pairs = [(row.a, row.b) for row in rows if row.a is not None and row.b is not None]
    mean = MetricRow(MEAN, None, None)
    if pairs:
        mean = MetricRow(MEAN, fmean(a for a, _ in pairs), fmean(b for _, b in pairs))
    return MetricDifference(metric, size, [*rows, mean], len(pairs))


def _means(jobs: Sequence[Metrics], metric: str, size: Size) -> dict[str, float | None]:
    """Category -> mean over its seeds, None where a seed's is undefined; absent where none is."""
    values: dict[str, list[float | None]] = {}
    for job in jobs:
        for one in job.values:
            wanted = (one.branch, one.metric, one.size, one.mode, one.defect)
            if wanted == ("fused", metric, size, "exact", "all"):
                values.setdefault(job.category, []).append(one.value)
    means: dict[str, float | None] = {}
    for category, numbers in values.items():
        defined = [number for number in numbers if number is not None]
        means[category] = fmean(defined) if len(defined) == len(numbers) else None
    return means
