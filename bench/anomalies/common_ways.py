"""The common ways to compute Perlin noise, in plain versions of our own, for the same gradients."""

import math

import numpy as np
from numpy.typing import NDArray

from bench.anomalies.cases import LATTICES, SIZE, WEIGHTS
from dcrdf.anomalies.perlin import draw_gradients


def gathered_noise(rng: np.random.Generator) -> NDArray[np.float32]:
    """Vectorised over pixels: four gathered gradients, four dot products, three blends."""
    noise = np.zeros((SIZE, SIZE), dtype=np.float32)
    for (cells, _), (down, across) in zip(
        LATTICES, draw_gradients(LATTICES, WEIGHTS, rng), strict=True
    ):
        position = ((np.arange(SIZE) + 0.5) * cells / SIZE).astype(np.float32)
        low = position.astype(int)
        part = position - low
        fade = part**3 * (part * (6 * part - 15) + 10)
        y, x = np.meshgrid(low, low, indexing="ij")
        dy, dx = np.meshgrid(part, part, indexing="ij")
        fy, fx = np.meshgrid(fade, fade, indexing="ij")
        corner = {
            (i, j): down[y + i, x + j] * (dy - i) + across[y + i, x + j] * (dx - j)
            for i in (0, 1)
            for j in (0, 1)
        }
        top = corner[0, 0] + fx * (corner[0, 1] - corner[0, 0])
        bottom = corner[1, 0] + fx * (corner[1, 1] - corner[1, 0])
        noise += top + fy * (bottom - top)
    return noise


def looped_noise(rng: np.random.Generator) -> NDArray[np.float32]:
    """Pixel by pixel, corner by corner."""
    noise = np.zeros((SIZE, SIZE), dtype=np.float32)
    for (cells, _), (down, across) in zip(
        LATTICES, draw_gradients(LATTICES, WEIGHTS, rng), strict=True
    ):
        for row in range(SIZE):
            y = (row + 0.5) * cells / SIZE
            for column in range(SIZE):
                x = (column + 0.5) * cells / SIZE
                for i in (math.floor(y), math.floor(y) + 1):
                    for j in (math.floor(x), math.floor(x) + 1):
                        dot = down[i, j] * (y - i) + across[i, j] * (x - j)
                        noise[row, column] += faded(y - i) * faded(x - j) * dot
    return noise


def faded(offset: float) -> float:
    """The quintic fade towards a corner."""
    t = 1.0 - abs(offset)
    return t**3 * (t * (6.0 * t - 15.0) + 10.0)
