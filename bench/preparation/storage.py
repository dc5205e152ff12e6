"""Layouts of the prepared file, one chunk a sample: size, writing and reading."""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from bench.measure import best_seconds
from bench.page import Rows
from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.load import load_scan
from dcrdf.datasets.sample import Sample
from dcrdf.files.hdf5 import PACKED
from dcrdf.preparation.measure import measure_scan

LAYOUTS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "nothing": ({}, {}),
    "checksums": ({"fletcher32": True}, {"fletcher32": True}),
    "checksums, masks gzip 1 (chosen)": ({"fletcher32": True}, {"fletcher32": True, **PACKED}),
    "all lzf + shuffle": (
        {"compression": "lzf", "shuffle": True},
        {"compression": "lzf", "shuffle": True},
    ),
    "all gzip 1 + shuffle": (
        {"compression": "gzip", "compression_opts": 1, "shuffle": True},
        {"compression": "gzip", "compression_opts": 1, "shuffle": True},
    ),
    "all gzip 4 + shuffle": (
        {"compression": "gzip", "compression_opts": 4, "shuffle": True},
        {"compression": "gzip", "compression_opts": 4, "shuffle": True},
    ),
}


def bench_store(folder: Path, samples: list[Sample], reads: int = 200) -> Rows:
    """Size, writing, random reads and reading everything of the layouts, one chunk per sample."""
    scans = [measure_scan(load_scan(sample), PrepareOptions()) for sample in samples]
    images = {
        "rgb": np.stack([scan.rgb for scan in scans]),
        "depth": np.stack([scan.surface_m for scan in scans]),
        "valid": np.stack([scan.valid for scan in scans]),
        "foreground": np.stack([scan.part for scan in scans]),
        "gt": np.stack([scan.gt for scan in scans]),
    }
    order = np.random.default_rng(0).integers(0, len(scans), reads)
    path, count = folder / "layout.h5", len(scans)
    rows: Rows = []
    for title, (plain, masks) in LAYOUTS.items():
        writing = best_seconds(partial(write_layout, path, images, plain, masks), 2, warm_up=True)
        with h5py.File(path, "r") as file:
            datasets = [file[name] for name in images]
            picking = best_seconds(partial(read_rows, datasets, order), 2, warm_up=True)
            reading = best_seconds(partial(read_rows, datasets, [slice(None)]), 3, warm_up=True)
        rates = (count / writing, reads / picking, count / reading)
        kib = path.stat().st_size / count / 1024
        rows.append((title, f"{kib:.0f}", *(f"{rate:.0f}" for rate in rates)))
    return rows


def write_layout(path: Path, images: Mapping[str, NDArray[Any]], plain: Any, masks: Any) -> None:
    """Write sample by sample, one chunk each."""
    with h5py.File(path, "w") as file:
        for name, values in images.items():
            storage = masks if values.dtype == np.bool_ else plain
            chunks = (1, *values.shape[1:])
            target = file.create_dataset(name, values.shape, values.dtype, chunks=chunks, **storage)
            for index, value in enumerate(values):
                target[index] = value


def read_rows(datasets: list[Any], rows: Iterable[Any]) -> None:
    """Read rows of all datasets."""
    for row in rows:
        for dataset in datasets:
            dataset[row]
