"""Hole filling: every method's errors against the known truth, and its time."""

from collections.abc import Iterable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.measure import best_seconds
from bench.page import Rows
from bench.preparation.surfaces import SENSOR_NOISE_M, domed_surface_m, random_holes
from dcrdf.preparation.holes import METHODS, fill_holes

CAPTION = (
    "A dome with grain and bumps, 90 mm wide, 0.02 mm sensor noise; 6 % of it are holes of 1 to"
    " 30 px; errors inside the holes of five surfaces."
)


def bench_holes(sizes: Iterable[int] = (256, 800), surfaces: int = 5) -> Rows:
    """RMSE and largest error inside holes, and CPU time, of every method."""
    rows: Rows = []
    for size in sizes:
        for method in METHODS:
            errors_m, seconds = zip(
                *(fill_once(size, seed, method) for seed in range(surfaces)), strict=True
            )
            pooled_mm = np.concatenate(errors_m) * 1e3
            rmse_mm = float(np.sqrt(np.mean(pooled_mm**2)))
            worst_mm = float(np.abs(pooled_mm).max())
            milliseconds = float(np.median(seconds)) * 1e3
            rows.append(
                (method, f"{size}", f"{rmse_mm:.3f}", f"{worst_mm:.2f}", f"{milliseconds:.1f}")
            )
    return rows


def hole_figures(rows: Rows) -> dict[str, float]:
    """RMSE of the best of the other ways over ours, by size."""
    rmse_mm = {(size, method): float(value) for method, size, value, *_ in rows}
    sizes = {size for size, _ in rmse_mm}
    return {
        f"holes at {size} px, best other way's RMSE to ours": min(
            rmse_mm[size, method] for method in METHODS if method != "push_pull"
        )
        / rmse_mm[size, "push_pull"]
        for size in sizes
    }


def fill_once(size: int, seed: int, method: str) -> tuple[NDArray[np.float32], float]:
    """Errors inside the holes in metres, and CPU seconds."""
    generator = np.random.default_rng(seed)
    truth_m = domed_surface_m(size, generator)
    holes = random_holes(size, generator)
    noise_m = generator.normal(0.0, SENSOR_NOISE_M, truth_m.shape)
    measured_m = (truth_m + noise_m).astype(np.float32)
    filled_m = fill_holes(measured_m, ~holes, method)
    seconds = best_seconds(partial(fill_holes, measured_m, ~holes, method), 3, warm_up=True)
    return (filled_m - truth_m)[holes], seconds
