"""Metrics: time and memory of ours against the common ways, on one split of simulated maps.

`python -m bench.metrics` prints the tables and writes them to bench/metrics.md; `--quick` takes
a quarter of the maps, leaves native size out, and writes nothing. Times are CPU seconds of one
thread, the best of several rounds: compare them within one run, never across machines.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
from pathlib import Path

import cv2
import numpy as np
import scipy
import torch

from bench.figures import keep
from bench.metrics.comparison import comparison, deviations
from bench.metrics.intervals import interval_coverage
from bench.metrics.larger_tasks import larger_tasks
from bench.metrics.simulated import SIDE, simulate
from bench.page import machine_line
from dcrdf.results.machine import processor_name

OUTPUT = Path(__file__).parent.with_suffix(".md")


def main() -> None:
    """Run all parts, print and keep the tables."""
    parser = argparse.ArgumentParser("python -m bench.metrics", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    split = simulate(30 if quick else 120)
    splits = 50 if quick else 500
    on = machine_line(np, scipy, torch, processor=processor_name())
    compared, ratios = comparison(split, rounds=2 if quick else 5)
    larger, seconds = larger_tasks(split, native=not quick)
    keep("metrics", ratios | seconds)
    page = f"""# Metrics: measured

Made by `python -m bench.metrics`; CPU time of one thread. {on}.
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
