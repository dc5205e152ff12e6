"""Perlin gradient noise from banded matrix products (paper section on pseudo-anomalies).

In a lattice cell the noise is a sum over the cell's four corners of
fade(row) * fade(column) * (gradient . offset). Both factors separate into rows and columns, so a
whole image is R_row @ (G @ R_column^T): two small matrix products per lattice instead of a loop
over pixels. The row matrices have two non-zeros per row; working in bands of rows leaves most
zeros out.
"""

from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dcrdf.anomalies.arrays import FloatImage

Lattice: TypeAlias = tuple[int, int]
"""Cells per image side: (down the rows, across the columns)."""

ROW_BAND = 32
COLUMN_BAND = 128
"""Pixels per band; the fastest of the powers of two at 256 pixels."""


def perlin_field(
    size: int,
    lattices: tuple[Lattice, ...],
    weights: tuple[float, ...],
    kappa: float,
    rng: np.random.Generator,
) -> FloatImage:
    """The field P~ = tanh(kappa * noise), float32 (size, size), each value in (-1, 1).

    The noise is scaled to unit standard deviation first; unscaled it stays within about 0.3,
    where tanh is the identity.
    """
    noise = gradient_noise(size, lattices, weights, rng)
    flat = noise.ravel()
    variance = float(flat @ flat) / flat.size - (float(flat.sum()) / flat.size) ** 2
    noise *= np.float32(kappa / np.sqrt(max(variance, 1e-12)))
    return np.tanh(noise, out=noise)


def gradient_noise(
    size: int,
    lattices: tuple[Lattice, ...],
    weights: tuple[float, ...],
    rng: np.random.Generator,
) -> FloatImage:
    """Weighted sum of gradient noises, float32 (size, size), sampled at pixel centres."""
    return noise_of_gradients(size, lattices, draw_gradients(lattices, weights, rng))


def draw_gradients(
    lattices: tuple[Lattice, ...], weights: tuple[float, ...], rng: np.random.Generator
) -> list[tuple[FloatImage, FloatImage]]:
    """Per lattice the (row, column) parts of its corners' gradients, each of length `weight`."""
    counts = [(rows + 1) * (columns + 1) for rows, columns in lattices]
    angles = rng.random(sum(counts), dtype=np.float32) * np.float32(2.0 * np.pi)
    row_parts, column_parts = np.sin(angles), np.cos(angles)
    gradients = []
    start = 0
    for (rows, columns), weight, count in zip(lattices, weights, counts, strict=True):
        corner = slice(start, start + count)
        shape = (rows + 1, columns + 1)
        scale = np.float32(weight)
        gradients.append(
            (
                row_parts[corner].reshape(shape) * scale,
                column_parts[corner].reshape(shape) * scale,
            )
        )
        start += count
    return gradients


def noise_of_gradients(
    size: int,
    lattices: tuple[Lattice, ...],
    gradients: list[tuple[FloatImage, FloatImage]],
) -> FloatImage:
    """The sum of the noises that the lattices' corner gradients define, float32 (size, size)."""
    along_columns = np.empty((sum(2 * (rows + 1) for rows, _ in lattices), size), dtype=np.float32)
    start = 0
    for (rows, columns), (row_part, column_part) in zip(lattices, gradients, strict=True):
        middle, end = start + rows + 1, start + 2 * (rows + 1)
        for pixels, corners, fade, offset in _bands(size, columns, COLUMN_BAND):
            np.matmul(row_part[:, corners], fade.T, out=along_columns[start:middle, pixels])
            np.matmul(column_part[:, corners], offset.T, out=along_columns[middle:end, pixels])
        start = end
    noise = np.empty((size, size), dtype=np.float32)
    for band, row_matrix, used in _row_bands(size, tuple(rows for rows, _ in lattices)):
        np.matmul(row_matrix, along_columns.take(used, axis=0), out=noise[band])
    return noise


@lru_cache(maxsize=256)
def corner_weights(size: int, cells: int) -> tuple[FloatImage, FloatImage]:
    """What each lattice line gives to each pixel of an axis.

    Returns:
        `fade` and `fade * offset`, each float32 (size, cells + 1): the quintic fade of the pixel
        towards the line, and the same times the signed distance from the line in cells.
    """
    position = (np.arange(size) + 0.5) * cells / size
    lower = np.minimum(position.astype(np.intp), cells - 1)
    offset = position - lower
    upper_share = offset**3 * (offset * (6.0 * offset - 15.0) + 10.0)
    fade = np.zeros((size, cells + 1), dtype=np.float32)
    faded_offset = np.zeros_like(fade)
    pixel = np.arange(size)
    fade[pixel, lower] = 1.0 - upper_share
    fade[pixel, lower + 1] = upper_share
    faded_offset[pixel, lower] = (1.0 - upper_share) * offset
    faded_offset[pixel, lower + 1] = upper_share * (offset - 1.0)
    return fade, faded_offset


@lru_cache(maxsize=256)
def _bands(
    size: int, cells: int, width: int
) -> tuple[tuple[slice, slice, FloatImage, FloatImage], ...]:
    """Bands of an axis: (pixels, the corners they touch, both corner weights of the two)."""
    fade, offset = corner_weights(size, cells)
    bands = []
    for start in range(0, size, width):
        pixels = slice(start, min(start + width, size))
        touched = np.flatnonzero(fade[pixels].any(axis=0))
        corners = slice(int(touched[0]), int(touched[-1]) + 1)
        own_fade, own_offset = fade[pixels, corners].copy(), offset[pixels, corners].copy()
        bands.append((pixels, corners, own_fade, own_offset))
    return tuple(bands)


@lru_cache(maxsize=256)
def _row_bands(
    size: int, cells: tuple[int, ...]
) -> tuple[tuple[slice, FloatImage, NDArray[np.intp]], ...]:
    """Bands of pixel rows: (pixels, their row matrix over all lattices, the corner rows used).

    Corner rows are counted over all lattices, each with its rows of both gradient parts in turn.
    """
    bands = []
    for parts in zip(*(_bands(size, count, ROW_BAND) for count in cells), strict=True):
        matrices = [matrix for _, _, fade, offset in parts for matrix in (offset, fade)]
        used, start = [], 0
        for count, (_, corners, _, _) in zip(cells, parts, strict=True):
            own = np.arange(corners.start, corners.stop)
            used += [start + own, start + count + 1 + own]
            start += 2 * (count + 1)
        bands.append((parts[0][0], np.concatenate(matrices, axis=1), np.concatenate(used)))
    return tuple(bands)
