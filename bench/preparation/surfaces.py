"""Surfaces whose truth is known, and scans of them: a textured dome on a table, with holes."""

from pathlib import Path

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from dcrdf.datasets.sample import Sample, Split
from dcrdf.files.images import write_png

FIELD_MM = 90.0
SENSOR_NOISE_M = 2e-5
HOLE_SHARE = 0.06
TABLE_M = 0.5


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


def made_samples(folder: Path, count: int, size: int) -> list[Sample]:
    """Samples of all splits: 60 % train, 15 % validation, the rest test."""
    samples = []
    for index in range(count):
        rgb, tiff = write_scan(folder, f"{index:03d}", size)
        share = index / count
        split: Split = "train" if share < 0.6 else "validation" if share < 0.75 else "test"
        samples.append(Sample("made", split, "good", f"{index:03d}", rgb, tiff))
    return samples
