"""Runs against other runs, paired: the same test images, the same seeds.

Two things make a difference uncertain, and each has its own interval. *Images*: the test images of
every category are drawn anew, the same for both runs and all seeds; the difference of a draw is the
mean over categories and seeds. *Seeds*: the trainings, by a t interval over the seeds' differences.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import CompareOptions
from dcrdf.errors import UserError
from dcrdf.metrics.intervals import Interval, percentile_interval, two_sided_p_value
from dcrdf.metrics.multiplicity import holm
from dcrdf.results.resamples import Resamples


class JobName(NamedTuple):
    """Whose resamples."""

    run: str
    category: str
    seed: int


@dataclass(frozen=True)
class RunMean:
    """One metric of one run: its mean over categories for every seed."""

    run: str
    metric: str
    by_seed: Mapping[int, float]
    categories: int
    """How many categories were averaged: those where the metric is defined for every seed."""

    @property
    def mean(self) -> float:
        """Over categories and seeds."""
        return fmean(self.by_seed.values())

    @property
    def deviation(self) -> float:
        """Sample standard deviation over seeds; NaN for one seed."""
        return _deviation(self.by_seed)


@dataclass(frozen=True)
class PairedDifference:
    """One metric of a run minus that of a reference, mean over categories and seeds."""

    run: str
    reference: str
    metric: str
    images: Interval
    """For other test images of the same categories, trainings as they are."""
    p_value: float
    """Two-sided, for no difference, over the same draws of images."""
    by_seed: Mapping[int, float]
    categories: int
    p_holm: float = float("nan")
    """`p_value`, corrected for the other comparisons of its column."""

    @property
    def deviation(self) -> float:
        """Sample standard deviation of the difference over seeds; NaN for one seed."""
        return _deviation(self.by_seed)

    @property
    def seeds(self) -> Interval:
        """For other trainings on the same images: t interval; NaN ends for one seed."""
        count, mean = len(self.by_seed), self.images.estimate
        half = float("nan")
        if count > 1:
            from scipy.special import stdtrit

            half = float(stdtrit(count - 1, 0.5 + 0.5 * self.images.confidence))
            half *= self.deviation / count**0.5
        return Interval(mean, mean - half, mean + half, self.images.confidence)

    @property
    def same_sign(self) -> int:
        """In how many seeds the difference has the sign of the mean."""
        return sum(value * self.images.estimate > 0 for value in self.by_seed.values())

    @property
    def verdict(self) -> int:
        """1 or -1 where the images' interval excludes zero and every seed has that sign, else 0."""
        if self.same_sign < len(self.by_seed):
            return 0
        return int(self.images.low > 0) - int(self.images.high < 0)


Samples = Mapping[JobName, Resamples]


@dataclass(frozen=True)
class Pairing:
    """All runs, their differences to the reference runs in the order of the samples, and the
    differences of named pairs."""

    options: CompareOptions
    categories: int
    means: list[RunMean]
    differences: list[PairedDifference]
    pairs: list[PairedDifference]


def pair_runs(samples: Samples, options: CompareOptions) -> Pairing:
    """Every metric of every run, and of every run against every reference run but itself, and of
    the first run of each pair against the second.

    Holm's correction is over the runs that are compared with one reference in one metric, and over
    the pairs in one metric. A category counts where the metric is defined for both runs and every
    seed; without any the difference is NaN. Raises `UserError` when runs of a category were scored
    on different images.
    """
    _check_same_images(samples)
    runs = _by_run(samples)
    against = {
        reference: [(run, reference) for run in runs if run != reference]
        for reference in options.references
    }
    differences = [
        one
        for compared in against.values()
        for one in _differences(compared, runs, options.confidence)
    ]
    pairs = _differences(options.pairs, runs, options.confidence)
    means = [
        RunMean(run, metric, *_seed_means([jobs], metric))
        for run, jobs in runs.items()
        for metric in _first(jobs).estimates
    ]
    categories = len({job.category for job in samples})
    return Pairing(options, categories, means, differences, pairs)


_Jobs = Mapping[tuple[str, int], Resamples]
"""(category, seed) -> resamples of one run."""


def _differences(
    compared: Iterable[tuple[str, str]], runs: Mapping[str, _Jobs], confidence: float
) -> list[PairedDifference]:
    """Every metric of each first run minus the second, corrected over those of the same metric."""
    found = [
        _difference(run, reference, metric, runs, confidence)
        for run, reference in compared
        for metric in _first(runs[run]).estimates
    ]
    families: dict[str, list[PairedDifference]] = {}
    for one in found:
        families.setdefault(one.metric, []).append(one)
    corrected = {metric: iter(holm([x.p_value for x in own])) for metric, own in families.items()}
    return [replace(one, p_holm=next(corrected[one.metric])) for one in found]


def _difference(
    run: str, reference: str, metric: str, runs: Mapping[str, _Jobs], confidence: float
) -> PairedDifference:
    own, other = runs[run], runs[reference]
    used = _defined([own, other], metric)
    first, _ = _seed_means([own, other], metric)
    second, _ = _seed_means([other, own], metric)
    by_seed = {seed: first[seed] - second[seed] for seed in first}
    drawn: NDArray[np.float64] = np.full(1, np.nan)
    if used:
        drawn = np.mean(
            [own[job].drawn[metric] - other[job].drawn[metric] for job in own if job[0] in used],
            axis=0,
        )
    interval = percentile_interval(fmean(by_seed.values()), drawn, confidence)
    p_value = two_sided_p_value(drawn)
    return PairedDifference(run, reference, metric, interval, p_value, by_seed, len(used))


def _seed_means(runs: Sequence[_Jobs], metric: str) -> tuple[dict[int, float], int]:
    """Seed -> mean of the first run over the categories that all of `runs` define."""
    used = _defined(runs, metric)
    values: dict[int, list[float]] = {}
    for (category, seed), one in runs[0].items():
        of_seed = values.setdefault(seed, [])
        if category in used:
            of_seed.append(one.estimates[metric])
    return {seed: fmean(x) if x else float("nan") for seed, x in values.items()}, len(used)


def _defined(runs: Sequence[_Jobs], metric: str) -> list[str]:
    jobs = [item for run in runs for item in run.items()]
    undefined = {job[0] for job, one in jobs if not np.isfinite(one.estimates[metric])}
    return [name for name in dict.fromkeys(job[0] for job in runs[0]) if name not in undefined]


def _by_run(samples: Samples) -> dict[str, dict[tuple[str, int], Resamples]]:
    runs: dict[str, dict[tuple[str, int], Resamples]] = {}
    for job, one in samples.items():
        runs.setdefault(job.run, {})[job.category, job.seed] = one
    return runs


def _check_same_images(samples: Samples) -> None:
    first: dict[str, tuple[JobName, str]] = {}
    for job, one in samples.items():
        other, images = first.setdefault(job.category, (job, one.images))
        if images != one.images:
            raise UserError(
                f"compare: {job.run!r} and {other.run!r} were scored on different test images of"
                f" {job.category}; prepare them alike"
            )


def _first(jobs: _Jobs) -> Resamples:
    return next(iter(jobs.values()))


def _deviation(by_seed: Mapping[int, float]) -> float:
    values = list(by_seed.values())
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
