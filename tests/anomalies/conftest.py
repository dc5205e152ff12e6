"""Made-up clean samples for the anomaly tests."""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from dcrdf.config.options import PseudoOptions


class Clean(NamedTuple):
    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    foreground: NDArray[np.bool_]


def make_clean(size: int, seed: int, shape: str) -> Clean:
    """A shaded, grainy part of one of a few shapes; `field` fills the frame."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size] / size - 0.5
    radius = np.hypot(rows - 0.03, columns)
    foreground = {
        "disc": radius < 0.36,
        "bar": (np.abs(rows) < 0.08) & (np.abs(columns) < 0.45),
        "corner": (rows < -0.1) & (columns < 0.0),
        "field": np.ones((size, size), dtype=bool),
    }[shape]
    grain = cv2.GaussianBlur(rng.standard_normal((size, size, 3)), (0, 0), 1.0)
    rgb = np.array([170.0, 120.0, 80.0]) * (1.0 - radius[..., None]) + 40.0 * grain
    rgb[~foreground] = 90.0
    depth = np.where(foreground, 0.9 - 1.5 * radius**2, -0.2) + 0.02 * grain[..., 0]
    return Clean(np.clip(rgb, 0, 255).astype(np.uint8), depth.astype(np.float32), foreground.copy())


@pytest.fixture(scope="session")
def clean_of() -> Callable[[int, int, str], Clean]:
    return make_clean


@pytest.fixture(scope="session")
def disc() -> Clean:
    return make_clean(128, 0, "disc")


@pytest.fixture(scope="session")
def plain() -> PseudoOptions:
    return PseudoOptions()
