"""Smooth random fields: random lattices, interpolated by cubics."""

import cv2
import numpy as np

from dcrdf.datasets.synthetic.arrays import Field


def smooth_noise(shape: tuple[int, int], cell_px: float, rng: np.random.Generator) -> Field:
    """Noise (H, W) of mean 0 and deviation about 1 that changes over about `cell_px` pixels."""
    rows, columns = (max(2, round(side / max(cell_px, 1.0))) for side in shape)
    lattice = rng.standard_normal((rows, columns), dtype=np.float32)
    grown = cv2.resize(lattice, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown, np.float32)


def fractal_noise(
    shape: tuple[int, int], cells_px: tuple[float, ...], rng: np.random.Generator, gain: float = 0.6
) -> Field:
    """Sum of smooth noises, each `gain` times as strong as the one before; deviation about 1."""
    weights = gain ** np.arange(len(cells_px))
    total = np.zeros(shape, np.float32)
    for weight, cell_px in zip(weights, cells_px, strict=True):
        total += np.float32(weight) * smooth_noise(shape, cell_px, rng)
    return (total / np.float32(np.sqrt((weights**2).sum()))).astype(np.float32)


def stretched_noise(along: Field, across: Field, rng: np.random.Generator) -> Field:
    """Noise over given coordinates (H, W), counted in lattice cells: grain, fibres, streaks."""
    first, second = along - along.min() + 1.0, across - across.min() + 1.0
    lattice_size = int(np.ceil(second.max())) + 3, int(np.ceil(first.max())) + 3
    lattice = rng.standard_normal(lattice_size, dtype=np.float32)
    found = cv2.remap(lattice, first, second, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(found, np.float32)


def ring_noise(radius: Field, step: float, rng: np.random.Generator) -> Field:
    """Noise that depends on the radius alone and changes over about `step`."""
    places = (radius / step).astype(np.float32)
    table = rng.standard_normal(int(places.max()) + 3, dtype=np.float32)
    low = places.astype(np.intp)
    share = places - low.astype(np.float32)
    return table[low] + share * (table[low + 1] - table[low])
