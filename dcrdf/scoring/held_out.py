"""Statistics by which a good image is judged as if it were a new one.

An image that is judged by statistics that know it promises too much: it lowers its own score. All
statistics but its own promise too little where they set the scale of the score: the loudest image
is measured by quieter ones alone, new images by all. So what is left out is how the branches
compare; the scale and offset that both share, which move all scores alike, stay those of all
images. Fresh good images flagged, of a promised 20 % by 4 good ones (sums of z-scores, peaks): 25
and 27 % where an image knows itself, 14 and 15 % where all is left out, 20 and 20 % so.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from statistics import fmean, geometric_mean

from dcrdf.scoring.branch_statistics import TINY, BranchStatistics

Statistics = Mapping[str, BranchStatistics]


def on_common_scale(others: Statistics, everyone: Statistics) -> dict[str, BranchStatistics]:
    """The statistics of `others`, of maps that are fused with each other, with the units' geometric
    mean and the z-scores' mean offset that those of `everyone` have."""

    def ratio(unit: Callable[[BranchStatistics], float]) -> float:
        both = (geometric_mean(map(unit, x.values())) for x in (everyone, others))
        return next(both) / next(both)

    std, part_std = ratio(lambda x: x.std), ratio(lambda x: x.foreground_std)
    peak_unit = ratio(_peak_unit)
    scaled = {
        name: replace(
            x,
            std=x.std * std,
            foreground_std=x.foreground_std * part_std,
            peak_mean=x.foreground_mean + _peak_unit(x) * peak_unit,
        )
        for name, x in others.items()
    }
    shift = _mean_offset(everyone) - _mean_offset(scaled)
    return {name: replace(x, mean=x.mean + shift * x.std) for name, x in scaled.items()}


def _peak_unit(x: BranchStatistics) -> float:
    return max(x.peak_mean - x.foreground_mean, TINY)


def _mean_offset(statistics: Statistics) -> float:
    return fmean(x.mean / x.std for x in statistics.values())
