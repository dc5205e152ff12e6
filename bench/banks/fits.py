"""A fit and scoring of the detectors that remember places, side by side: CPU time and memory."""

import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from bench.measure import best_seconds
from bench.page import Rows
from dcrdf.config.detectors import DETECTORS
from dcrdf.config.options import InferOptions, TrainOptions
from dcrdf.detectors.base import build_detector
from dcrdf.networks.teacher_weights import load_teacher
from dcrdf.scoring.scorer import Scorer
from dcrdf.tensors.device import make_repeatable
from dcrdf.tensors.scans import Scans
from dcrdf.training.loop import FitContext

NAMES = ("memory_bank", "resilient")
VALIDATION, BATCHES = 16, (1, 16)
HEAD = ("preset default of", "images", "fit, CPU s", "peak memory, GB",
        *(f"scoring, ms a pair, batch {size}" for size in BATCHES))  # fmt: skip
RULE = "| --- | ---: | ---: | ---: | ---: | ---: |"
CPU = torch.device("cpu")


def scans_of(count: int, side_px: int) -> Scans:
    """Random colour on waves of random phase that fill the frame, 0.5 m away."""
    generator = np.random.default_rng(0)
    shape = (count, side_px, side_px)
    y, x = np.mgrid[:side_px, :side_px].astype(np.float32) * (0.1 / side_px)
    phase = generator.uniform(0.0, 6.0, (count, 1, 1)).astype(np.float32)
    z = 0.5 + 2e-3 * np.sin(150.0 * x + phase) * np.cos(90.0 * y - phase)
    z += generator.normal(0.0, 2e-5, shape).astype(np.float32)
    points = np.stack([np.broadcast_to(x, shape), np.broadcast_to(y, shape), z], axis=-1)
    everywhere = dict.fromkeys(("inside", "valid", "outline", "on_part"), np.ones(shape, bool))
    height = (z - z.min()) / (z.max() - z.min())
    colour = generator.integers(0, 256, (*shape, 3), np.uint8)
    return Scans(rgb=colour, height=height, points=points.astype(np.float32), **everywhere)


def measured(name: str, count: int, side_px: int) -> tuple[float, float, list[float]]:
    """CPU seconds of a fit, the most memory the process held, in GB, ms of a pair by batch size;
    one thread."""
    make_repeatable(0, 1, with_gradients=True)
    info = DETECTORS[name]
    options = info.options.parse(dict(info.presets["default"].get("options", {})), "options")
    detector = build_detector(name, load_teacher("efficientnet_lite0", "package"), options)
    scans = scans_of(count, side_px)
    with tempfile.TemporaryDirectory() as folder:
        train = TrainOptions(cpu_threads=1)
        context = FitContext(Path(folder), 0, "", train, CPU)
        started = time.process_time()
        detector.fit(scans, None, context)
        fit_s = time.process_time() - started
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    infer = InferOptions(cpu_threads=1, **dict(info.presets["default"]["infer"]))
    scorer = Scorer.calibrate(detector, infer, scans[:VALIDATION], CPU)[0]
    pairs_ms = [
        1e3 / size * best_seconds(lambda n=size: scorer.score(scans[:n]), 3, warm_up=True)
        for size in BATCHES
    ]
    return fit_s, peak_gb, pairs_ms


def compared(count: int, side_px: int) -> tuple[Rows, dict[str, float]]:
    """A row of each detector, in a process of its own, and the figures that matter."""
    rows: Rows = []
    figures: dict[str, float] = {}
    for name in NAMES:
        with multiprocessing.get_context("spawn").Pool(1) as alone:
            fit_s, peak_gb, pairs_ms = alone.apply(measured, (name, count, side_px))
        shown = (f"{fit_s:.1f}", f"{peak_gb:.2f}", *(f"{ms:.0f}" for ms in pairs_ms))
        rows.append((name, f"{count}", *shown))
        figures |= {
            f"{name}, fit of {count} images": fit_s,
            f"{name}, peak memory of a fit": peak_gb,
            f"{name}, a pair in batches of {BATCHES[-1]}": pairs_ms[-1],
        }
    return rows, figures
