"""Variants a second, from prepared file to cache file, and where a variant's time goes."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.anomalies.cases import LATTICES, SETTINGS, SIZE, WEIGHTS, Category
from bench.measure import best_seconds, repeated_ms
from bench.page import Rows
from dcrdf.anomalies import inject
from dcrdf.anomalies.cache import open_variants, write_variants
from dcrdf.anomalies.draw import Draw
from dcrdf.anomalies.inject import Anomaly, vary
from dcrdf.anomalies.perlin import gradient_noise
from dcrdf.anomalies.textures import texture_set
from dcrdf.config.options import PseudoOptions
from dcrdf.files.digests import seed_of


def bench_throughput(categories: list[Category]) -> Rows:
    """Variants per CPU second, weighing each sample once for its four variants."""
    rows: Rows = []
    for category in categories:
        cells = [category.name, f"{category.foreground.mean():.2f}"]
        for options in SETTINGS.values():
            seconds = best_seconds(lambda c=category, o=options: vary_all(c, o), 12)
            cells.append(f"{len(category.rgb) * options.variants / seconds:.0f}")
        rows.append(tuple(cells))
    return rows


def throughput_figures(rows: Rows) -> dict[str, float]:
    """Of the rows of all categories, the last of which fills the frame."""
    rates = [[float(cell) for cell in cells] for _, _, *cells in rows]
    return {
        "literal masks, part fills the frame": rates[-1][0],
        "slowest of the embedded parts, any options": min(map(min, rates[:-1])),
        "slowest of all, any options": min(map(min, rates)),
    }


def vary_all(category: Category, options: PseudoOptions) -> None:
    """All variants of all samples."""
    for index in range(len(category.rgb)):
        sample = category.weighed(index, options)
        for variant in range(options.variants):
            vary(sample, options, seed_of(category.name, index, variant))


def bench_whole(category: Category, folder: Path) -> Rows:
    """What a user waits for: prepared file to cache file, and the first variant of all."""
    options = PseudoOptions()
    out = folder / "whole.h5"
    unused_seeds = itertools.count(1000)
    first = best_seconds(lambda: texture_set(options.textures, next(unused_seeds)), 3)
    seconds = best_seconds(lambda: write_variants(category.path, options, out, "{}", 1), 3)
    with open_variants(out) as variants:
        count = variants.modality.size
    return [
        ("prepared file to cache file, samples a second", f"{count / seconds:.0f}"),
        ("texture set, once per process, ms", f"{1e3 * first:.0f}"),
    ]


def bench_steps(category: Category) -> Rows:
    """Milliseconds of the parts of one variant."""
    options = PseudoOptions()
    sample = category.weighed(0, options)
    rng = np.random.default_rng(0)
    draw = Draw.of(options, rng)
    anomaly = Anomaly.of(sample, options, draw, rng)
    at = np.flatnonzero(anomaly.soft > 0.0)
    rgb = np.zeros((len(at), 3), dtype=np.uint8)
    depth = np.zeros(len(at), dtype=np.float32)
    texture = texture_set(options.textures, options.seed)[0]
    steps: dict[str, Callable[[], Any]] = {
        "weigh a sample (shared by its variants)": lambda: category.weighed(0, options),
        "Perlin noise of three lattices": lambda: gradient_noise(SIZE, LATTICES, WEIGHTS, rng),
        "field and mask": lambda: Anomaly.of(sample, options, draw, rng),
        "colour": lambda: inject._changed_colour(rgb, at, sample, anomaly, draw, texture),
        "depth": lambda: inject._changed_depth(depth, at, sample, anomaly, draw),
        "one variant": lambda: vary(sample, options, 0),
    }
    return [(name, f"{repeated_ms(work):.2f}") for name, work in steps.items()]
