"""Small scenes with known geometry."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.layouts import list_samples
from dcrdf.datasets.sample import Sample, Scan
from dcrdf.preparation.plane import Plane

TILT = Plane((0.06, -0.08, -0.995), 0.5)
"""A plane half a metre away; not quite of unit length on purpose: see `tilted_points`."""

MakePoints = Callable[..., tuple[NDArray[np.float32], Plane]]


@pytest.fixture
def tilted_points() -> MakePoints:
    """Points (H, W, 3) that lie `height_m` above a tilted plane, and the plane."""

    def make(
        height_m: NDArray[np.floating], noise_m: float = 0.0
    ) -> tuple[NDArray[np.float32], Plane]:
        normal = np.array(TILT.normal) / np.linalg.norm(TILT.normal)
        rows, columns = height_m.shape
        y, x = np.mgrid[:rows, :columns] - np.array([rows - 1, columns - 1])[:, None, None] / 2
        noisy_m = height_m + np.random.default_rng(0).normal(0.0, noise_m, height_m.shape)
        x, y = x * 1e-3, y * 1e-3
        z = (noisy_m - TILT.offset_m - normal[0] * x - normal[1] * y) / normal[2]
        nx, ny, nz = normal.tolist()
        return np.stack([x, y, z], axis=-1).astype(np.float32), Plane((nx, ny, nz), TILT.offset_m)

    return make


@pytest.fixture
def disc_scan(tilted_points: MakePoints) -> Callable[..., Scan]:
    """A disc of 6 mm on a tilted table, grey 180 on 60, with a few missing points."""

    def make(size: tuple[int, int] = (96, 120), missing: float = 0.02, seed: int = 0) -> Scan:
        generator = np.random.default_rng(seed)
        y, x = np.mgrid[: size[0], : size[1]]
        disc = np.hypot(y - size[0] / 2 + 0.5, x - size[1] / 2 + 0.5) < 0.3 * min(size)
        xyz, _ = tilted_points(0.006 * disc, noise_m=3e-5)
        xyz[generator.random(size) < missing] = 0.0
        rgb = np.repeat((60 + 120 * disc)[..., None], 3, axis=2).astype(np.uint8)
        return Scan(rgb, xyz, disc & (x > size[1] / 2))

    return make


@pytest.fixture
def options() -> PrepareOptions:
    """Small images."""
    return PrepareOptions(image_size=64)


@pytest.fixture
def samples(tmp_path: Path, make_scans: Callable[..., Path]) -> list[Sample]:
    """Category `a` of a tiny data set on disk: 4 train, 3 validation, 4 test samples of a part."""
    return list_samples(make_scans(tmp_path / "raw", ("a",)), "mvtec3d", "a")
