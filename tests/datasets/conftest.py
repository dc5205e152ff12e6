from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dcrdf.files.images import write_png, write_xyz

HEIGHT, WIDTH = 24, 32


@pytest.fixture(scope="session")
def scan_arrays() -> Callable[[int], dict[str, np.ndarray]]:
    """rgb, xyz, depth (millimetres) and gt of a small made-up scan."""

    def arrays(seed: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(seed)
        z = (0.6 + 0.01 * rng.random((HEIGHT, WIDTH))).astype(np.float32)
        columns, rows = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
        xyz = np.stack([(columns - 16) * z / 500, (rows - 12) * z / 500, z], axis=2)
        gt = np.zeros((HEIGHT, WIDTH), np.uint8)
        gt[4:8, 5:9] = 3
        return {
            "rgb": rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8),
            "xyz": xyz.astype(np.float32),
            "depth": np.round(z * 1000).astype(np.uint16),
            "gt": gt,
        }

    return arrays


Writer = Callable[..., None]


@pytest.fixture
def write_samples(scan_arrays: Callable[[int], dict[str, np.ndarray]]) -> Writer:
    """Write samples below a folder: `write(folder, ["000", "001"], parts=("rgb", "xyz"))`."""

    def write(
        folder: Path, names: Iterable[Any], parts: tuple[str, ...] = ("rgb", "xyz"), seed: int = 0
    ) -> None:
        for number, name in enumerate(names):
            arrays = scan_arrays(seed + number)
            for part in parts:
                if part == "xyz":
                    write_xyz(folder / part / f"{name}.tiff", arrays[part])
                else:
                    write_png(folder / part / f"{name}.png", arrays[part])

    return write


def numbered(count: int) -> list[str]:
    return [f"{number:03d}" for number in range(count)]


@pytest.fixture
def mvtec_root(tmp_path: Path, write_samples: Writer) -> Path:
    """A data set in MVTec 3D-AD's layout with one category, `bagel`."""
    category = tmp_path / "data" / "bagel"
    write_samples(category / "train" / "good", numbered(5))
    write_samples(category / "validation" / "good", numbered(2), seed=10)
    write_samples(category / "test" / "good", numbered(2), seed=20)
    write_samples(category / "test" / "hole", numbered(3), ("rgb", "xyz", "gt"), seed=30)
    return tmp_path / "data"
