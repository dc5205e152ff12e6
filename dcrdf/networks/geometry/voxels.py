"""Fewer points: the means of voxels, smaller where points lie densely, and sharp edges as they are.

Xu et al., Sensors 2025, section 3.2.2: s(v) = s_min + (s_max - s_min) exp(-alpha D_v). What it
leaves open is ours: the initial cells are cubes of s_max, and the density D_v is relative to the
median cell's, so that alpha has no unit.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

INDEX_BITS = 21
"""Of a voxel's place along each axis; three of them make one key of 63 bits."""
MOST_EDGES = 0.1
"""Share of a cloud's points that are kept as edges at most."""


@dataclass(frozen=True)
class Voxels:
    """`number` (N,) int64, the voxel that each point lies in, 0 to `count` - 1, in the order of
    their places."""

    number: Tensor
    count: int

    @property
    def sizes(self) -> Tensor:
        """How many points each voxel holds (count,), at least one."""
        ones = torch.ones_like(self.number)
        return torch.zeros(self.count, dtype=torch.int64, device=ones.device).index_add_(
            0, self.number, ones
        )

    def means(self, values: Tensor) -> Tensor:
        """Mean values (count, C) of the points (N, C) of each voxel.

        Added up in float64. On a GPU the last digit depends on the order of the threads, unless
        `torch.use_deterministic_algorithms` is on.
        """
        sums = torch.zeros(
            (self.count, values.shape[1]), dtype=torch.float64, device=values.device
        ).index_add_(0, self.number, values.double())
        return (sums / self.sizes[:, None]).to(values.dtype)


def cubes(points: Tensor, side_m: float) -> Voxels:
    """Points (N, 3) in cubes of one size, from the cloud's smallest coordinates on.

    ValueError for more than 2^21 cubes along an axis, or a side that is not positive.
    """
    return _numbered(_places(points, side_m).floor())


def adaptive(points: Tensor, smallest_m: float, largest_m: float, alpha: float = 0.7) -> Voxels:
    """Points (N, 3) in voxels of `smallest_m` to `largest_m`: every cube of the largest size is
    split evenly into the number of parts along each axis that comes nearest to s(v).

    ValueError as in `cubes`, or for a smallest size above the largest.
    """
    if not 0.0 < smallest_m <= largest_m:
        raise ValueError(f"voxels of {smallest_m} to {largest_m} m")
    places = _places(points, largest_m)
    cells = _numbered(places.floor())
    splits = splits_of(cells.sizes, smallest_m / largest_m, alpha)
    across = splits[cells.number][:, None]
    x, y, z = ((places - places.floor()) * across).long().minimum(across - 1).unbind(dim=1)
    parts = splits**3
    first = parts.cumsum(dim=0) - parts
    across = across[:, 0]
    part = first[cells.number] + (x * across + y) * across + z
    holds_points = torch.zeros(int(parts.sum()), dtype=torch.bool, device=points.device)
    holds_points[part] = True
    number = holds_points.cumsum(dim=0) - 1
    return Voxels(number[part], int(holds_points.sum()))


def splits_of(sizes: Tensor, smallest_share: float, alpha: float) -> Tensor:
    """Into how many parts along each axis cells of these many points (M,) are split: the nearest
    whole number to s_max / s(v), s_min being `smallest_share` of s_max."""
    if not len(sizes):
        return sizes
    density = sizes.double() / sizes.median()
    size_share = smallest_share + (1.0 - smallest_share) * torch.exp(-alpha * density)
    return (1.0 / size_share).round().long()


def edge_points(response: Tensor, threshold: float, most: float = MOST_EDGES) -> Tensor:
    """Indices, ascending, of the points whose edge response (N,) lies above the threshold; the
    sharpest `most` of all points where it would be more, of equal ones the first."""
    sharp = torch.nonzero(response > threshold)[:, 0]
    allowed = int(most * len(response))
    if len(sharp) > allowed:
        order = response[sharp].sort(descending=True, stable=True).indices
        sharp = sharp[order[:allowed]].sort().values
    return sharp


def _places(points: Tensor, side_m: float) -> Tensor:
    """Coordinates (N, 3) float64 in sides, from the smallest ones on."""
    if not side_m > 0.0:
        raise ValueError(f"voxels of {side_m} m")
    exact = points.double()
    if not len(points):
        return exact
    places = (exact - exact.min(dim=0).values) / side_m
    if places.max() >= 2**INDEX_BITS:
        raise ValueError(f"voxels of {side_m} m are too small for a cloud of this size")
    return places


def _numbered(cells: Tensor) -> Voxels:
    """Voxels by whole-numbered places (N, 3), in their order: one key each, one sort."""
    x, y, z = cells.long().unbind(dim=1)
    keys = (((x << INDEX_BITS) | y) << INDEX_BITS) | z
    different, number = torch.unique(keys, return_inverse=True)
    return Voxels(number, len(different))
