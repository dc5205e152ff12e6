"""Metrics: time and memory of ours against the common ways, on one split of simulated maps.

`python -m bench.metrics` prints the tables and writes them to bench/metrics.md; `--quick` takes
a quarter of the maps, leaves native size out, and writes nothing. Times are CPU seconds of one
thread, the best of several rounds: compare them within one run, never across machines.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import platform
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from scipy import ndimage

from bench.figures import keep
from dcrdf.metrics import (
    LIMITS,
    Bootstrap,
    aupro,
    auroc,
    average_precision,
    bootstrap,
    compare,
    evaluate,
    f1_max,
)
from dcrdf.metrics.intervals import percentile_interval

OUTPUT = Path(__file__).with_suffix(".md")
SIDE, NATIVE_SIDE = 256, 800
DEFECT_SHARE = 0.0077
LEVELS = 256

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]
Order = Callable[[Floats], NDArray[np.int64]]


@dataclass(frozen=True)
class Split:
    maps: Floats
    masks: Bools
    scores: Floats
    labels: Bools

    def with_maps(self, maps: Any) -> "Split":
        return Split(maps, self.masks, self.scores, self.labels)


class Resized(Sequence[Floats]):
    """Maps at native size that exist only while they are looked at."""

    def __init__(self, maps: Floats, side: int) -> None:
        self.maps, self.side = maps, side

    def __len__(self) -> int:
        return len(self.maps)

    def __getitem__(self, index: Any) -> Any:
        if index >= len(self):
            raise IndexError(index)
        return cv2.resize(self.maps[index], (self.side, self.side))


def simulate(images: int) -> Split:
    """Smooth noise; four of five images hold one to three ellipses that mostly stand out."""
    generator = np.random.default_rng(0)
    defective = images * 4 // 5
    labels = np.arange(images) >= images - defective
    overlapping = 1.07
    region_px = overlapping * DEFECT_SHARE * images * SIDE * SIDE / (2 * defective)
    maps = np.empty((images, SIDE, SIDE), np.float32)
    masks = np.zeros(maps.shape, np.bool_)
    for index in range(images):
        noise = generator.standard_normal((SIDE, SIDE)).astype(np.float32)
        maps[index] = 0.2 + np.abs(cv2.GaussianBlur(noise, (0, 0), 4))
        for _ in range(generator.integers(1, 4) if labels[index] else 0):
            region = ellipse(generator, region_px)
            masks[index] |= region
            strength = generator.uniform(0.0, 0.4)
            maps[index] += strength * cv2.GaussianBlur(region.astype(np.float32), (0, 0), 3)
    return Split(maps, masks, maps.max(axis=(1, 2)), labels)


def ellipse(generator: np.random.Generator, area_px: float) -> Bools:
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    longer = np.sqrt(area_px / np.pi * generator.uniform(0.2, 2.5))
    axes = (max(int(longer), 1), max(int(longer * generator.uniform(0.4, 1.0)), 1))
    centre = [int(value) for value in generator.integers(20, SIDE - 20, 2)]
    cv2.ellipse(canvas, centre, axes, generator.uniform(0, 180), 0, 360, 1, -1)
    return canvas > 0


# The common ways ---------------------------------------------------------------------------------


def find_regions(masks: Bools) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Region of every pixel (0: none) over all images, and pixels of every region."""
    labels = np.zeros(masks.shape, np.int64)
    count = 0
    for index, mask in enumerate(masks):
        found, regions = ndimage.label(mask, np.ones((3, 3)))
        labels[index] = np.where(mask, found + count, 0)
        count += regions
    return labels, np.bincount(labels.ravel())


def area_to(limit: float, fpr: Floats, overlap: Floats) -> float:
    inside = fpr < limit
    heights = np.append(overlap[inside], np.interp(limit, fpr, overlap))
    return float(np.trapezoid(heights, np.append(fpr[inside], limit)) / limit)


def numpy_order(scores: Floats) -> NDArray[np.int64]:
    return np.argsort(scores)[::-1]


def torch_order(scores: Floats) -> NDArray[np.int64]:
    return torch.argsort(torch.from_numpy(scores), descending=True).numpy()


def by_global_order(split: Split, limit: float, order_of: Order) -> float:
    """Sort all pixels, sum false positives and region shares up, keep one point a score."""
    labels, region_px = find_regions(split.masks)
    share = np.concatenate(([0.0], 1.0 / region_px[1:]))[labels.ravel()]
    scores = split.maps.ravel()
    order = order_of(scores)
    ranked = scores[order]
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    normal = ~split.masks.ravel()[order]
    fpr = np.cumsum(normal)[last_of_tie] / np.count_nonzero(normal)
    overlap = np.cumsum(share[order])[last_of_tie] / (region_px.size - 1)
    return area_to(limit, np.append(0.0, fpr), np.append(0.0, overlap))


def by_equal_thresholds(split: Split, limit: float, count: int = 200) -> float:
    """One look at all pixels for each of equally spaced thresholds; regions found once."""
    labels, region_px = find_regions(split.masks)
    defect_labels, normal_px = labels[split.masks], np.count_nonzero(~split.masks)
    points = [(0.0, 0.0)]
    for threshold in np.linspace(split.maps.max(), split.maps.min(), count):
        alarms = split.maps >= threshold
        found = np.bincount(defect_labels[alarms[split.masks]], minlength=region_px.size)
        false_alarms = np.count_nonzero(alarms) - found.sum()
        points.append((false_alarms / normal_px, float((found[1:] / region_px[1:]).mean())))
    fpr, overlap = np.array(points).T
    return area_to(limit, fpr, overlap)


# Measuring ---------------------------------------------------------------------------------------


def cpu_seconds(call: Callable[[], Any]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def peak_mb(call: Callable[[], Any]) -> float:
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def ours(split: Split) -> dict[str, float]:
    return evaluate(split.maps, split.masks, split.scores, split.labels).values()


def kit(split: Split) -> tuple[float, ...]:
    return aupro(split.maps, split.masks, LIMITS, mode="mvtec100")


def resampled(split: Split) -> Any:
    return bootstrap(split.maps, split.masks, split.scores, split.labels)


def table(header: str, rows: Sequence[Sequence[str]]) -> str:
    columns = header.count("|") + 1
    lines = [f"| {header} |", "|" + " --- |" * columns]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def comparison(split: Split, rounds: int) -> tuple[str, dict[str, float]]:
    """Every way in turn, several rounds; ratios to ours on float32. Table and figures."""
    levels = np.round(split.maps / split.maps.max() * LEVELS) / np.float32(LEVELS)
    ways: dict[str, Callable[[], Any]] = {
        "ours, everything, float32": partial(ours, split),
        "ours, everything, float16": partial(ours, split.with_maps(split.maps.astype(np.float16))),
        f"ours, everything, float32 of {LEVELS} levels": partial(ours, split.with_maps(levels)),
        "ours, `mvtec100`, four limits": partial(kit, split),
        "argsort + cumulative sums (numpy), one limit": partial(
            by_global_order, split, 0.3, numpy_order
        ),
        "argsort + cumulative sums (torch), one limit": partial(
            by_global_order, split, 0.3, torch_order
        ),
        "200 equal thresholds, one limit": partial(by_equal_thresholds, split, 0.3),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, call in ways.items():
            seconds[name].append(cpu_seconds(call))
    least = {name: min(taken) for name, taken in seconds.items()}
    peaks_mb = {name: peak_mb(call) for name, call in ways.items()}
    first = next(iter(ways))
    rows = [
        (name, f"{least[name]:.3f}", f"{least[name] / least[first]:.1f}", f"{peaks_mb[name]:.0f}")
        for name in ways
    ]
    figures = {
        f"all metrics against argsort and sums in {library}, time": least[
            f"argsort + cumulative sums ({library}), one limit"
        ]
        / least[first]
        for library in ("numpy", "torch")
    }
    figures["all metrics, extra memory"] = peaks_mb[first]
    return table("way | CPU s | times ours | extra MB", rows), figures


def deviations(split: Split) -> str:
    """How far each way's AUPRO is from the exact one."""
    exact = aupro(split.maps, split.masks, LIMITS)
    found = {
        "ours against argsort + cumulative sums": [
            by_global_order(split, limit, numpy_order) for limit in LIMITS
        ],
        "200 equal thresholds": [by_equal_thresholds(split, limit) for limit in LIMITS],
        "`mvtec100`": kit(split),
    }
    rows = [("exact value", *(f"{value:.4f}" for value in exact))]
    for name, values in found.items():
        off = (value - true for value, true in zip(values, exact, strict=True))
        rows.append(
            (name, *(f"{value:+.1e}" if abs(value) < 1e-9 else f"{value:+.4f}" for value in off))
        )
    return table("AUPRO up to | " + " | ".join(f"{limit:.2f}" for limit in LIMITS), rows)


def larger_tasks(split: Split, native: bool) -> tuple[str, dict[str, float]]:
    first = f"bootstrap, 1,000 resamples, {SIDE} px"
    tasks = {first: (resampled, split)}
    if native:
        size = (NATIVE_SIDE, NATIVE_SIDE)
        masks = [
            cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
            for mask in split.masks
        ]
        large = Split(Resized(split.maps, NATIVE_SIDE), masks, split.scores, split.labels)
        tasks[f"everything, {NATIVE_SIDE} px (resizing in it)"] = (ours, large)
        tasks[f"bootstrap, 1,000 resamples, {NATIVE_SIDE} px"] = (resampled, large)
    seconds = {name: cpu_seconds(partial(task, given)) for name, (task, given) in tasks.items()}
    rows = [
        (name, f"{seconds[name]:.2f}", f"{peak_mb(partial(task, given)):.0f}")
        for name, (task, given) in tasks.items()
    ]
    figures = {f"bootstrap of 1,000 resamples, {SIDE} px": seconds[first]}
    return table("task | CPU s | extra MB", rows), figures


def image_bootstrap(scores: Floats, labels: Bools, seed: int) -> Bootstrap:
    maps, masks = np.zeros((labels.size, 1, 1)), np.zeros((labels.size, 1, 1), np.bool_)
    return bootstrap(maps, masks, scores, labels, resamples=500, seed=seed)


def interval_coverage(splits: int, shift: float) -> str:
    """Scores N(0, 1) and N(shift, 1), many times: how often intervals hold the true value, and
    how often two runs of equal quality are called different."""
    generator = np.random.default_rng(0)
    labels, many = np.arange(100) >= 20, np.arange(500_000) >= 100_000
    crowd = generator.standard_normal(many.size) + shift * many
    truth = {
        "i_auroc": auroc(crowd, many),
        "i_ap": average_precision(crowd, many),
        "i_f1max": f1_max(crowd, many),
    }
    held = {metric: np.zeros(3) for metric in truth}
    for seed in range(splits):
        common = generator.standard_normal(labels.size) + shift * labels * np.sqrt(2)
        first, second = (
            image_bootstrap(common + generator.standard_normal(labels.size), labels, seed)
            for _ in range(2)
        )
        differences = compare(first, second)
        for metric, true in truth.items():
            plain = percentile_interval(first.estimates[metric], first.resampled[metric])
            corrected = first.interval(metric)
            held[metric] += (
                plain.low <= true <= plain.high,
                corrected.low <= true <= corrected.high,
                differences[metric].p_value < 0.05,
            )
    rows = [
        (metric, f"{truth[metric]:.3f}", *(f"{100 * share:.0f} %" for share in counts / splits))
        for metric, counts in held.items()
    ]
    return table("metric | true value | percentile holds it | BCa holds it | p < 0.05", rows)


def machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    versions = f"numpy {np.__version__}, scipy {scipy.__version__}, torch {torch.__version__}"
    processor = names[0] if names else platform.machine()
    return f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    split = simulate(30 if quick else 120)
    splits = 50 if quick else 500
    compared, ratios = comparison(split, rounds=2 if quick else 5)
    larger, seconds = larger_tasks(split, native=not quick)
    keep("metrics", ratios | seconds)
    page = f"""# Metrics: measured

Made by `python -m bench.metrics`; CPU time of one thread. {machine()}.
{len(split.maps)} maps of {SIDE} x {SIDE} float32, {split.labels.sum()} of them with defects,
{100 * split.masks.mean():.2f} % defect pixels. Memory is what numpy allocates beyond the maps.

## Time and memory

"Everything" is AUPRO at four limits, pixel AUROC and AP, image AUROC, AP and F1-max, all exact.

{compared}

## Deviation from the exact AUPRO

{deviations(split)}

## Larger tasks

{larger}

## Intervals

20 good and 80 defect images with normally distributed scores, {splits} times; 95 % intervals from
500 resamples. Last column: two runs of equal quality on the same images (ideal: 5 %).

{interval_coverage(splits, 1.2)}

{interval_coverage(splits, 2.5)}
"""
    print(page)
    if not quick:
        OUTPUT.write_text(page)


if __name__ == "__main__":
    main()
