"""Pseudo-anomalies: samples per second, what the masks and changes look like, storage layouts.

`python -m bench.anomalies` prints the tables and writes them to bench/anomalies.md; with
`--prepared FILE...` further prepared categories are measured, and nothing is written. Times are
CPU seconds of one thread, the best of several rounds: compare them within one run, never across
machines.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import tempfile
from pathlib import Path

import cv2
import h5py
import numpy as np

from bench.anomalies.cases import (
    SETTINGS,
    Category,
    frame_filling,
    made_categories,
    read_category,
)
from bench.anomalies.looks import bench_looks
from bench.anomalies.perlin import bench_batched, bench_perlin
from bench.anomalies.storage import bench_store
from bench.anomalies.throughput import (
    bench_steps,
    bench_throughput,
    bench_whole,
    throughput_figures,
)
from bench.figures import keep
from bench.page import load_average, machine_line, table

OUTPUT = Path(__file__).parent.with_suffix(".md")


def measured(categories: list[Category], folder: Path) -> list[str]:
    """All tables as text."""
    throughput = bench_throughput([*categories, frame_filling(categories[0])])
    keep("anomalies", throughput_figures(throughput))
    return [
        "## Throughput",
        "Variants per second at 256 x 256, both modalities, textures included.",
        table(("category", "part, share of the image", *SETTINGS), throughput),
        table(("operation", ""), bench_whole(categories[0], folder)),
        table(("step", "ms"), bench_steps(categories[0])),
        "## Perlin noise",
        table(("way", "ms", "ratio"), bench_perlin()),
        "## Fields and masks in batches",
        "Fields and masks alone, a second; whole frame, 256 x 256, on the CPU.",
        table(("way", "samples/s"), bench_batched()),
        "## What changes",
        "Percentiles 5 / 50 / 95 or medians; colour and height inside the mask, where changed.",
        table(
            (
                "category",
                "options",
                "part changed, %",
                "pieces",
                "piece, px",
                "on the most textured fifth, %",
                "colour, grey levels",
                "height, mm",
            ),
            bench_looks(categories),
        ),
        "## Storage",
        "Variants a second; KiB a variant.",
        table(
            ("layout", "KiB", "write", "random read", "read all"),
            bench_store(folder, categories[0]),
        ),
    ]


def main() -> None:
    """Run all parts, print and keep the tables."""
    parser = argparse.ArgumentParser(
        "python -m bench.anomalies", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--prepared", type=Path, nargs="+", help="measure these prepared files")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    on = f"{machine_line(np, cv2, h5py)}, {load_average()}"
    head = [
        "# Pseudo-anomalies: measured",
        f"Made by `python -m bench.anomalies`; CPU time of one thread. {on}.",
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = [read_category(path) for path in args.prepared or []]
        text = "\n\n".join(head + measured(own or made_categories(folder), folder)) + "\n"
    print(text)
    if not own:
        OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
