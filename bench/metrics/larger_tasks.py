"""What takes longest: the bootstrap, and maps at native size."""

from functools import partial
from typing import Any

import cv2
import numpy as np

from bench.measure import cpu_seconds, peak_mb
from bench.metrics.comparison import ours
from bench.metrics.simulated import SIDE, Resized, Split
from bench.page import table
from dcrdf.metrics import bootstrap

NATIVE_SIDE = 800


def resampled(split: Split) -> Any:
    """1,000 resamples of all metrics."""
    return bootstrap(split.maps, split.masks, split.scores, split.labels)


def larger_tasks(split: Split, native: bool) -> tuple[str, dict[str, float]]:
    """Each once, at native size too if `native`. Table and figures."""
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
    return table(("task", "CPU s", "extra MB"), rows), figures
