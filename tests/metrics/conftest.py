"""A slow oracle for every metric, in plain Python: every threshold, every pixel, every region.

It shares nothing with the package: sets instead of arrays, fractions instead of floats.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

Point = tuple[Fraction, Fraction]


class Oracle:
    """Metrics straight from their definitions."""

    @staticmethod
    def regions(mask: np.ndarray) -> list[set[tuple[int, int]]]:
        left = {(int(y), int(x)) for y, x in zip(*np.nonzero(mask), strict=True)}
        found = []
        while left:
            region, border = set(), {left.pop()}
            while border:
                region |= border
                around = {
                    (y + dy, x + dx) for y, x in border for dy in (-1, 0, 1) for dx in (-1, 0, 1)
                }
                border = around & left
                left -= border
            found.append(region)
        return found

    def split(self, maps: Sequence, masks: Sequence) -> tuple[list[float], list[list[float]]]:
        """Normal scores, and the scores of each region."""
        normals, regions = [], []
        for scores, mask in zip(maps, masks, strict=True):
            normals += [float(v) for v in scores[~mask]]
            regions += [[float(scores[p]) for p in region] for region in self.regions(mask)]
        return normals, regions

    def pro_points(self, maps: Sequence, masks: Sequence) -> list[Point]:
        normals, regions = self.split(maps, masks)
        thresholds = sorted({*normals, *(v for region in regions for v in region)}, reverse=True)
        points = [(Fraction(0), Fraction(0))]
        for threshold in thresholds:
            fpr = Fraction(sum(v >= threshold for v in normals), len(normals))
            shares = [Fraction(sum(v >= threshold for v in r), len(r)) for r in regions]
            points.append((fpr, sum(shares, Fraction(0)) / len(regions)))
        return points

    def kit_points(self, maps: Sequence, masks: Sequence) -> list[Point]:
        normals, regions = self.split(maps, masks)
        normals.sort()
        points = [(Fraction(1), Fraction(1))]
        for step in range(100):
            rank = int(np.linspace(0, len(normals) - 1, 100)[step])
            shares = [Fraction(sum(v > normals[rank] for v in r), len(r)) for r in regions]
            fpr = 1 - Fraction(rank + 1, len(normals))
            points.append((fpr, sum(shares, Fraction(0)) / len(regions)))
        return points[::-1]

    @staticmethod
    def area(points: Sequence[Point], limit: float) -> float:
        """Trapezoids up to the limit, the last one cut there, divided by the limit."""
        cut, total = Fraction(limit), Fraction(0)
        for (left, low), (right, high) in pairwise(points):
            if left >= cut or right == left:
                continue
            end = min(right, cut)
            top = low + (high - low) * (end - left) / (right - left)
            total += (end - left) * (low + top) / 2
        return float(total / cut)

    @staticmethod
    def auroc(scores: Sequence[float], labels: Sequence[bool]) -> float:
        good = [s for s, bad in zip(scores, labels, strict=True) if not bad]
        defect = [s for s, bad in zip(scores, labels, strict=True) if bad]
        won = sum((d > g) + Fraction(int(d == g), 2) for d in defect for g in good)
        return float(Fraction(won) / (len(good) * len(defect)))

    @staticmethod
    def _confusions(scores: Sequence[float], labels: Sequence[bool]) -> list[tuple[int, int, int]]:
        """True positives, false positives, false negatives, highest threshold first."""
        rows = []
        for threshold in sorted(set(scores), reverse=True):
            alarms = [bad for s, bad in zip(scores, labels, strict=True) if s >= threshold]
            rows.append((sum(alarms), len(alarms) - sum(alarms), sum(labels) - sum(alarms)))
        return rows

    def average_precision(self, scores: Sequence[float], labels: Sequence[bool]) -> float:
        total, before = Fraction(0), 0
        for hits, false_alarms, _ in self._confusions(scores, labels):
            total += Fraction(hits - before, sum(labels)) * Fraction(hits, hits + false_alarms)
            before = hits
        return float(total)

    def f1_max(self, scores: Sequence[float], labels: Sequence[bool]) -> float:
        return float(
            max(Fraction(2 * t, 2 * t + f + m) for t, f, m in self._confusions(scores, labels))
        )


@pytest.fixture(scope="session")
def oracle() -> Oracle:
    return Oracle()


@dataclass(frozen=True)
class Split:
    """A small test split."""

    maps: list[np.ndarray]
    masks: list[np.ndarray]
    image_scores: np.ndarray
    labels: np.ndarray


KINDS = ("random", "tied", "quantised", "constant", "outlier", "neighbours", "separated")


def _scores(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    values = rng.normal(size=shape)
    if kind == "tied":
        values = rng.integers(-2, 3, size=shape) * 1.0
        values[values == 0] *= rng.choice([-1.0, 1.0])
    elif kind == "quantised":
        values = np.round(values * 8) / 8
    elif kind == "constant":
        values = np.full(shape, 0.25)
    elif kind == "outlier":
        values[rng.random(shape) < 0.1] *= 6e4
        values[rng.random(shape) < 0.1] *= 1e-7
    elif kind == "neighbours":
        steps = rng.integers(0, 6, size=shape)
        values = 1.0 + steps * float(np.finfo(np.float16).eps)
    return np.clip(values, -6e4, 6e4)


@pytest.fixture(scope="session")
def make_split() -> Callable[..., Split]:
    """Splits by kind of scores, type and seed; sizes differ between the images."""

    def make(
        kind: str = "random",
        dtype: type = np.float64,
        seed: int = 0,
        good: int = 2,
        defect: int = 3,
        side: int = 7,
    ) -> Split:
        rng = np.random.default_rng(seed)
        maps, masks = [], []
        for index in range(good + defect):
            shape = (int(rng.integers(2, side)), int(rng.integers(2, side)))
            scores, mask = _scores(kind, shape, rng), np.zeros(shape, dtype=bool)
            if index >= good:
                mask = rng.random(shape) < rng.choice([0.05, 0.2, 0.5])
                mask[0, 0] = False
                mask[-1, rng.integers(shape[1])] = True
            if kind == "separated":
                scores = scores + 100.0 * mask
            maps.append(scores.astype(dtype))
            masks.append(mask)
        image_scores = np.array([float(scores.max()) for scores in maps])
        return Split(maps, masks, image_scores, np.arange(good + defect) >= good)

    return make
