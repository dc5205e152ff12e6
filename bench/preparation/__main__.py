"""Preparation: hole filling against known truth, storage layouts, samples per second.

`python -m bench.preparation` prints the tables and writes them to bench/preparation.md.
Times are CPU seconds of one thread: compare them within one run, never across machines.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import tempfile
from pathlib import Path

import cv2
import h5py
import numpy as np

from bench.figures import keep
from bench.page import machine_line, table
from bench.preparation.holes import CAPTION, bench_holes, hole_figures
from bench.preparation.storage import bench_store
from bench.preparation.surfaces import made_samples
from bench.preparation.throughput import bench_steps, bench_throughput

OUTPUT = Path(__file__).parent.with_suffix(".md")


def main() -> None:
    """Run all parts, print and keep the tables."""
    cv2.setNumThreads(1)
    on = machine_line(np, cv2, h5py)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = made_samples(folder, 40, 800)
        holes, throughput = bench_holes(), bench_throughput(folder, samples)
        rate = {"800 x 800 scans, files to HDF5": float(throughput[0][1])}
        keep("preparation", hole_figures(holes) | rate)
        parts = [
            "# Preparation: measured",
            f"Made by `python -m bench.preparation`; CPU time of one thread. {on}.",
            "## Hole filling",
            CAPTION,
            table(("method", "size, px", "RMSE, mm", "largest, mm", "ms"), holes),
            "## Storage",
            "Prepared samples of 256 x 256, one chunk each (KiB and samples per second).",
            table(
                ("layout", "KiB a sample", "write", "random read", "read all"),
                bench_store(folder, samples),
            ),
            "## Throughput",
            "Files to HDF5 in one process, with decoding, digests and writing.",
            table(("input", "samples a second"), throughput),
            table(("step", "ms"), bench_steps(samples[0])),
        ]
    text = "\n\n".join(parts) + "\n"
    print(text)
    OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
