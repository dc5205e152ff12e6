"""Preparation: hole filling against known truth, storage layouts, samples per second.

`python -m bench.preparation` prints the tables and writes them to bench/preparation.md.
Times are CPU seconds of one thread: compare them within one run, never across machines.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import platform
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import tifffile
from numpy.typing import NDArray

from bench.figures import keep
from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.load import load_scan
from dcrdf.datasets.sample import Sample, Split
from dcrdf.files.digests import sha256_of_file
from dcrdf.files.images import read_rgb, read_xyz, write_png
from dcrdf.preparation.foreground import part_foreground
from dcrdf.preparation.holes import METHODS, fill_holes
from dcrdf.preparation.measure import measure_scan, valid_points
from dcrdf.preparation.plane import fit_border_plane, height_above
from dcrdf.preparation.prepare import prepare_category
from dcrdf.preparation.resize import place, resize_area, resize_surface

Rows = list[tuple[str, ...]]

FIELD_MM = 90.0
SENSOR_NOISE_M = 2e-5
HOLE_SHARE = 0.06
TABLE_M = 0.5
HOLES_CAPTION = (
    "A dome with grain and bumps, 90 mm wide, 0.02 mm sensor noise; 6 % of it are holes of 1 to"
    " 30 px; errors inside the holes of five surfaces."
)
OUTPUT = Path(__file__).with_suffix(".md")


# The test surface --------------------------------------------------------------------------------


def domed_surface_m(size: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Height of a dome (radius of curvature 150 mm) with grain (0.15 mm) and bumps (0.4 mm)."""
    mm_per_px = FIELD_MM / size
    y, x = (np.mgrid[:size, :size] - (size - 1) / 2) * mm_per_px
    noise = generator.standard_normal((size, size)).astype(np.float32)
    grain = cv2.GaussianBlur(noise, (0, 0), 1.2 / mm_per_px)
    bumps = cv2.GaussianBlur(noise, (0, 0), 4.0 / mm_per_px)
    height_mm = 10.0 - (x * x + y * y) / 300.0
    height_mm += 0.15 * grain / grain.std() + 0.4 * bumps / bumps.std()
    return (height_mm * 1e-3).astype(np.float32)


def random_holes(size: int, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Ellipses of 1 to 30 px, small ones as likely as large ones (per octave)."""
    holes = np.zeros((size, size), np.uint8)
    while holes.mean() < HOLE_SHARE:
        longer_px = np.exp(generator.uniform(0.0, np.log(30.0)))
        axes = (int(longer_px / 2), int(longer_px / 2 * generator.uniform(0.3, 1.0)))
        centre = tuple(int(value) for value in generator.integers(0, size, 2))
        cv2.ellipse(holes, centre, axes, generator.uniform(0, 180), 0, 360, 1, -1)
    return holes.astype(np.bool_)


def write_scan(folder: Path, name: str, size: int) -> tuple[Path, Path]:
    """A textured part on a table, camera frame, as PNG and TIFF."""
    generator = np.random.default_rng(int(name))
    y, x = (np.mgrid[:size, :size] - (size - 1) / 2) * (0.12 / size)
    inside = x * x + y * y < 0.04**2
    height_m = np.where(inside, domed_surface_m(size, generator), 0.0)
    z = TABLE_M + 0.05 * x - height_m + generator.normal(0.0, SENSOR_NOISE_M, (size, size))
    xyz = np.stack([x, y, z], axis=-1).astype(np.float32)
    xyz[random_holes(size, generator)] = 0.0
    shade = 120 + 40 * inside + 4e4 * np.gradient(cv2.GaussianBlur(height_m, (0, 0), 2), axis=1)
    grey = shade[..., None] + generator.normal(0.0, 2.0, (size, size, 3))
    rgb, tiff = folder / f"{name}.png", folder / f"{name}.tiff"
    write_png(rgb, grey.clip(0, 255).astype(np.uint8))
    tifffile.imwrite(tiff, xyz, photometric="rgb")
    return rgb, tiff


# Hole filling ------------------------------------------------------------------------------------


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
    seconds = cpu_seconds(partial(fill_holes, measured_m, ~holes, method), 3)
    return (filled_m - truth_m)[holes], seconds


# Storage -----------------------------------------------------------------------------------------

LAYOUTS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "nothing": ({}, {}),
    "checksums": ({"fletcher32": True}, {"fletcher32": True}),
    "checksums, masks lzf (chosen)": (
        {"fletcher32": True},
        {"fletcher32": True, "compression": "lzf"},
    ),
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
        writing = cpu_seconds(partial(write_layout, path, images, plain, masks), 2)
        with h5py.File(path, "r") as file:
            datasets = [file[name] for name in images]
            picking = cpu_seconds(partial(read_rows, datasets, order), 2)
            reading = cpu_seconds(partial(read_rows, datasets, [slice(None)]), 3)
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


# Throughput --------------------------------------------------------------------------------------


def made_samples(folder: Path, count: int, size: int) -> list[Sample]:
    """Samples of all splits: 60 % train, 15 % validation, the rest test."""
    samples = []
    for index in range(count):
        rgb, tiff = write_scan(folder, f"{index:03d}", size)
        share = index / count
        split: Split = "train" if share < 0.6 else "validation" if share < 0.75 else "test"
        samples.append(Sample("made", split, "good", f"{index:03d}", rgb, tiff))
    return samples


def bench_throughput(folder: Path, samples: list[Sample]) -> Rows:
    """Files to HDF5, with digests, in one process."""
    out = folder / "made.h5"
    seconds = cpu_seconds(
        lambda: prepare_category(samples, PrepareOptions(), out, "{}", processes=1), 3
    )
    return [("800 x 800, PNG + plain TIFF", f"{len(samples) / seconds:.1f}")]


def bench_steps(sample: Sample) -> Rows:
    """Where a sample's time goes."""
    scan = load_scan(sample)
    assert sample.xyz is not None
    tiff = sample.xyz
    options = PrepareOptions()
    valid = valid_points(scan.xyz)
    fit = fit_border_plane(scan.xyz, valid, options.border_share, 5e-3)
    assert fit is not None
    height_m = height_above(fit.plane, scan.xyz)
    placement = place((valid.shape[0], valid.shape[1]), options.image_size, "stretch")
    resized_m, measured = resize_surface(height_m, valid, placement)
    steps: dict[str, Callable[[], object]] = {
        "read PNG": lambda: read_rgb(sample.rgb),
        "read TIFF": lambda: read_xyz(tiff),
        "read both and check": lambda: load_scan(sample),
        "SHA-256 of the files": lambda: [sha256_of_file(path) for path in (sample.rgb, tiff)],
        "valid points": lambda: valid_points(scan.xyz),
        "plane": lambda: fit_border_plane(scan.xyz, valid, options.border_share, 5e-3),
        "height": lambda: height_above(fit.plane, scan.xyz),
        "foreground": lambda: part_foreground(height_m, valid, 2e-3, 0.01),
        "resize colour": lambda: resize_area(scan.rgb, placement),
        "resize height": lambda: resize_surface(height_m, valid, placement),
        "fill holes (256 x 256)": lambda: fill_holes(resized_m, measured, "push_pull"),
    }
    return [(name, f"{cpu_seconds(step, 10) * 1e3:.1f}") for name, step in steps.items()]


# Output ------------------------------------------------------------------------------------------


def cpu_seconds(function: Callable[[], object], repeats: int) -> float:
    """The fastest of some runs, after one that is not counted."""
    function()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def table(header: tuple[str, ...], rows: Rows) -> str:
    """A Markdown table."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine() -> str:
    """Versions and processor, for reading the numbers later."""
    python = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"{python}, numpy {np.__version__}, OpenCV {cv2.__version__}, h5py {h5py.__version__}"


def main() -> None:
    """Run all parts, print and keep the tables."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = made_samples(folder, 40, 800)
        holes, throughput = bench_holes(), bench_throughput(folder, samples)
        rate = {"800 x 800 scans, files to HDF5": float(throughput[0][1])}
        keep("preparation", hole_figures(holes) | rate)
        parts = [
            "# Preparation: measured",
            f"Made by `python -m bench.preparation`; CPU time of one thread. {machine()}.",
            "## Hole filling",
            HOLES_CAPTION,
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
