"""Points that hang together."""

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Mask = NDArray[np.bool_]

FORWARD = [step for step in product((-1, 0, 1), repeat=3) if step > (0, 0, 0)]
"""One of each pair of opposite steps to the 26 neighbours of a cube."""


def largest_cluster(xyz_m: NDArray[np.float32], mask: Mask, gap_m: float) -> Mask:
    """The points of `mask` (H, W) in its largest cluster; of equal ones, one by its place in space.

    Points are put into cubes of half `gap_m`, and cubes that touch belong together: what is nearer
    than half `gap_m` is joined, what is farther than 1.7 times is not. It stands for DBSCAN without
    its noise.
    """
    if not mask.any():
        return mask
    cells = np.floor(xyz_m[mask] / np.float64(gap_m / 2.0)).astype(np.int64)
    cells -= cells.min(axis=0) - 1
    rows, columns, _ = (int(side) + 2 for side in cells.max(axis=0))
    strides = np.array([1, rows, rows * columns])
    cubes, cube_of, counts = np.unique(cells @ strides, return_inverse=True, return_counts=True)
    pairs = []
    for step in FORWARD:
        wanted = cubes + np.array(step) @ strides
        found = np.searchsorted(cubes, wanted).clip(max=len(cubes) - 1)
        joined = np.flatnonzero(cubes[found] == wanted)
        pairs.append(np.stack([joined, found[joined]]))
    first, second = np.concatenate(pairs, axis=1)
    graph = coo_array((np.ones(len(first), np.bool_), (first, second)), (len(cubes),) * 2)
    _, piece_of = connected_components(graph, directed=False)
    largest = np.argmax(np.bincount(piece_of, counts))
    kept = np.zeros_like(mask)
    kept[mask] = (piece_of == largest)[cube_of]
    return kept
