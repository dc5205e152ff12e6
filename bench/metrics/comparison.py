"""Ours against the common ways: time, memory, and deviation from the exact AUPRO."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from bench.measure import cpu_seconds, peak_mb
from bench.metrics.common_ways import (
    by_equal_thresholds,
    by_global_order,
    numpy_order,
    torch_order,
)
from bench.metrics.simulated import Split
from bench.page import Rows, table
from dcrdf.metrics import LIMITS, aupro, evaluate

LEVELS = 256


def ours(split: Split) -> dict[str, float]:
    """All metrics, exact."""
    return evaluate(split.maps, split.masks, split.scores, split.labels).values()


def kit(split: Split) -> tuple[float, ...]:
    """AUPRO as MVTec's evaluation code approximates it."""
    return aupro(split.maps, split.masks, LIMITS, mode="mvtec100")


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
    rows: Rows = [
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
    return table(("way", "CPU s", "times ours", "extra MB"), rows), figures


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
    rows: Rows = [("exact value", *(f"{value:.4f}" for value in exact))]
    for name, values in found.items():
        off = (value - true for value, true in zip(values, exact, strict=True))
        rows.append(
            (name, *(f"{value:+.1e}" if abs(value) < 1e-9 else f"{value:+.4f}" for value in off))
        )
    return table(("AUPRO up to", *(f"{limit:.2f}" for limit in LIMITS)), rows)
