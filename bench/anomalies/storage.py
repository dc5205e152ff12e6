"""Layouts of the cache of variants: size, writing and reading."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from bench.anomalies.cases import Category
from bench.measure import best_seconds
from bench.page import Rows
from dcrdf.anomalies.cache import write_variants
from dcrdf.config.options import PseudoOptions
from dcrdf.files.hdf5 import PACKED


def bench_store(folder: Path, category: Category) -> Rows:
    """Cache layouts: size, writing and reading, one chunk per variant."""
    source = folder / "source.h5"
    write_variants(category.path, PseudoOptions(), source, "{}", 1)
    with h5py.File(source) as file:
        arrays = {name: file[name][:] for name in ("rgb", "depth", "mask")}
    unpacked = arrays | {"mask": np.unpackbits(arrays["mask"], axis=-1)}
    lzf, gzip = {"compression": "lzf", "shuffle": True}, {"compression": "gzip", "shuffle": True}
    layouts: dict[str, tuple[dict[str, NDArray[Any]], dict[str, dict[str, Any]]]] = {
        "nothing, mask in bytes": (unpacked, {}),
        "nothing, mask in bits": (arrays, {}),
        "mask in bits and gzip 1 (chosen)": (arrays, {"mask": PACKED}),
        "all lzf + shuffle": (arrays, dict.fromkeys(arrays, lzf)),
        "all gzip 1 + shuffle": (arrays, dict.fromkeys(arrays, gzip | {"compression_opts": 1})),
    }
    return [
        (name, *store_figures(folder / "layout.h5", values, filters))
        for name, (values, filters) in layouts.items()
    ]


def store_figures(
    path: Path, arrays: Mapping[str, NDArray[Any]], filters: Mapping[str, dict[str, Any]]
) -> tuple[str, ...]:
    """KiB a variant, and variants per CPU second written, read at random, and read in one go."""
    count, variants = arrays["rgb"].shape[:2]
    total = count * variants

    def write() -> None:
        with h5py.File(path, "w", libver=("v110", "v110")) as file:
            for name, values in arrays.items():
                chunks = (1, 1, *values.shape[2:])
                extra = {"fletcher32": True} | filters.get(name, {})
                file.create_dataset(name, data=values, chunks=chunks, **extra)

    def read_at_random() -> None:
        with h5py.File(path) as file:
            for flat in np.random.default_rng(0).permutation(total):
                for name in arrays:
                    file[name][divmod(int(flat), variants)]

    def read_all() -> None:
        with h5py.File(path) as file:
            for name in arrays:
                file[name][:]

    written = best_seconds(write, 3)
    size = f"{path.stat().st_size / total / 1024:.0f}"
    rates = (
        total / seconds for seconds in (written, *map(best_seconds, (read_at_random, read_all)))
    )
    return (size, *(f"{rate:.0f}" for rate in rates))
