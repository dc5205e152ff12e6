"""Symmetric 3 x 3 matrices in closed form, millions at once on any device."""

import math

import torch
from torch import Tensor

LEAST_PARALLELOGRAM = 1e-10
"""Squared area of two rows, relative to the largest eigenvalue's fourth power; below it the two
smaller eigenvalues are one, to the digits of points in float32, and no vector belongs to either."""


def eigenvalues(upper: Tensor) -> Tensor:
    """Eigenvalues (N, 3), largest first, of upper triangles (N, 6) float64.

    The trigonometric solution of the characteristic cubic (Smith, Communications of the ACM 4,
    1961).
    """
    a, b, c, d, e, f = upper.unbind(dim=1)
    mean = (a + d + f) / 3.0
    a, d, f = a - mean, d - mean, f - mean
    spread = ((a * a + d * d + f * f + 2.0 * (b * b + c * c + e * e)) / 6.0).sqrt()
    determinant = a * (d * f - e * e) - b * (b * f - c * e) + c * (b * e - c * d)
    cube = spread**3
    ratio = torch.where(cube > 0.0, determinant / (2.0 * cube), torch.ones_like(cube))
    angle = ratio.clamp(-1.0, 1.0).acos() / 3.0
    largest = mean + 2.0 * spread * angle.cos()
    smallest = mean + 2.0 * spread * (angle + 2.0 * math.pi / 3.0).cos()
    return torch.stack([largest, 3.0 * mean - largest - smallest, smallest], dim=1)


def smallest_vectors(upper: Tensor, values: Tensor) -> Tensor:
    """Unit eigenvectors (N, 3) of the smallest of the eigenvalues (N, 3); 0 where it is no single
    one, as of points on a line.

    The rows of C - lambda I span the plane across it: the longest of their cross products.
    """
    a, b, c, d, e, f = upper.unbind(dim=1)
    least = values[:, 2]
    a, d, f = a - least, d - least, f - least
    rows = [torch.stack(row, dim=1) for row in ((a, b, c), (b, d, e), (c, e, f))]
    crosses = torch.stack(
        [torch.linalg.cross(rows[i], rows[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    )
    squared = crosses.square().sum(dim=2)
    longest, which = squared.max(dim=0)
    vectors = crosses[which, torch.arange(len(which), device=which.device)]
    single = longest > LEAST_PARALLELOGRAM * values[:, 0].square().square()
    return torch.where(
        single[:, None], vectors / longest.sqrt()[:, None], torch.zeros_like(vectors)
    )
