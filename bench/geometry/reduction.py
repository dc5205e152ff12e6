"""How well fewer points stand for all of them, at equal counts."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from bench.geometry.clouds import Cloud
from bench.measure import best_seconds
from dcrdf.networks.geometry.groups import farthest_points
from dcrdf.networks.geometry.sampling import SamplingRule, sampled

EDGE_SHARE = 0.02
"""Points kept as edges: those above the 98 % quantile of E."""
SHARP_SHARE = 0.05
FARTHEST = 5000
COUNT_STEPS = 14
"""Bisections until a scale gives the wanted number of points; the last one halves 0.05 %."""
Kept = tuple[Tensor, Tensor]
"""The samples (M, 3) and their unit normals."""
HEAD = ("cloud", "way", "points", "fewer, %", "CPU ms", "error, um", "at edges, um")
RULE = "| --- | --- | ---: | ---: | ---: | ---: | ---: |"


@dataclass(frozen=True)
class Result:
    """A way's points, time, and mean distance of the cloud's points to the tangent plane of the
    sample next to each: of all, and of the 5 % with the largest edge response."""

    cloud: str
    way: str
    total: int
    count: int
    ms: float
    error_um: float
    sharp_um: float

    @property
    def fewer_percent(self) -> float:
        """The paper's reduction, (NUM - num_d) / NUM."""
        return 100.0 * (1.0 - self.count / self.total)

    def row(self) -> tuple[str, ...]:
        """As cells of the table."""
        numbers = (f"{self.fewer_percent:.1f}", f"{self.ms:.0f}")
        errors = (f"{self.error_um:.1f}", f"{self.sharp_um:.1f}")
        return (self.cloud, self.way, f"{self.count}", *numbers, *errors)


def by_rule(cloud: Cloud, rule: SamplingRule) -> Kept:
    """Voxels, perhaps with edges."""
    samples = sampled(cloud.points, cloud.response, cloud.pitch_m, rule)
    return samples.of(cloud.points), samples.directions(cloud.normals)


def picked(cloud: Cloud, which: Tensor) -> Kept:
    """Some of the points as they are."""
    return cloud.points[which], cloud.normals[which]


def at_count(cloud: Cloud, count: int, rule: Callable[[float], SamplingRule]) -> SamplingRule:
    """The rule as it is, or scaled by what bisection finds: whichever comes nearest to the count
    (which jumps where adaptive voxels are split anew)."""

    def apart(scale: float) -> int:
        kept = sampled(cloud.points, cloud.response, cloud.pitch_m, rule(scale))
        return len(kept) - count

    found = {1.0: apart(1.0)}
    low, high = math.log(0.2), math.log(20.0)
    for _ in range(COUNT_STEPS):
        middle = (low + high) / 2.0
        found[math.exp(middle)] = more = apart(math.exp(middle))
        low, high = (middle, high) if more > 0 else (low, middle)
    return rule(min(found, key=lambda scale: abs(found[scale])))


def rules(cloud: Cloud, count: int) -> dict[str, SamplingRule]:
    """The four kinds of voxels, scaled to the same count."""
    threshold = float(np.quantile(cloud.response.numpy(), 1.0 - EDGE_SHARE))
    return {
        f"{name}{' + edges' if kept else ''}": at_count(
            cloud,
            count,
            lambda scale, alpha=alpha, kept=kept: SamplingRule(
                2.0 * scale, 8.0 * scale, alpha, threshold if kept else None
            ),
        )
        for kept in (False, True)
        for name, alpha in (("adaptive", 0.7), ("fixed", None))
    }


def ways(cloud: Cloud, count: int) -> dict[str, Callable[[], Kept]]:
    """Name -> what picks so many points."""
    total, generator = len(cloud.points), torch.Generator().manual_seed(0)
    found: dict[str, Callable[[], Kept]] = {
        name: (lambda rule=rule: by_rule(cloud, rule)) for name, rule in rules(cloud, count).items()
    }
    found["random"] = lambda: picked(cloud, torch.randperm(total, generator=generator)[:count])
    found["every k-th"] = lambda: picked(cloud, torch.arange(count) * total // count)
    return found


def measured(cloud: Cloud, way: str, call: Callable[[], Kept], rounds: int = 3) -> Result:
    """Time and errors of a way."""
    kept: list[Kept] = []
    seconds = best_seconds(lambda: kept.append(call()), rounds)
    samples, directions = (x.double().numpy() for x in kept[-1])
    points = cloud.points.double().numpy()
    nearest = cKDTree(samples).query(points)[1]
    away_um = 1e6 * abs(((points - samples[nearest]) * directions[nearest]).sum(axis=1))
    response = cloud.response.numpy()
    sharp = response >= np.quantile(response, 1.0 - SHARP_SHARE)
    return Result(
        cloud.name, way, len(points), len(samples), 1e3 * seconds,
        float(away_um.mean()), float(away_um[sharp].mean()),
    )  # fmt: skip


def compared(cloud: Cloud) -> list[Result]:
    """All ways at the count of the default adaptive voxels, then three at 5,000 points."""
    count = len(sampled(cloud.points, cloud.response, cloud.pitch_m, SamplingRule()))
    results = [measured(cloud, name, call) for name, call in ways(cloud, count).items()]

    def farthest() -> Kept:
        return picked(cloud, farthest_points(cloud.points, FARTHEST))

    if len(cloud.points) > 2 * FARTHEST:
        few = ways(cloud, FARTHEST)
        for name in ("fixed", "random"):
            results.append(measured(cloud, f"{name}, 5,000", few[name]))
        results.append(measured(cloud, "farthest, 5,000", farthest, 1))
    return results


def ratio(results: list[Result], way: str, to: str, at_edges: bool) -> float:
    """Geometric mean over the clouds of a way's error relative to another's."""
    errors = {(one.way, one.cloud): one.sharp_um if at_edges else one.error_um for one in results}
    clouds = sorted({one.cloud for one in results})
    logs = [math.log(errors[way, cloud] / errors[to, cloud]) for cloud in clouds]
    return math.exp(sum(logs) / len(logs))
