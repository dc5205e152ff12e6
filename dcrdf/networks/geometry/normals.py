"""Unit normals of an organised cloud, towards the camera."""

import torch
from torch import Tensor

from dcrdf.networks.geometry.covariance import Covariances, covariances
from dcrdf.networks.geometry.eigen import eigenvalues, smallest_vectors

RADIUS_PX = 2
"""24 neighbours."""


def normals(
    points: Tensor, inside: Tensor, radius_px: int = RADIUS_PX, pitch: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The direction in which the neighbours of a point spread least (Xu et al., Sensors 2025,
    section 3.2.2).

    `points` (B, 3, H, W) in metres, the camera in their origin; `inside` (B, H, W) bool. Returns
    unit normals (B, 3, H, W), 0 where there is none, and where there is one (B, H, W):
    not with fewer than 4 neighbours or with all of them on a line.
    """
    around = covariances(points, inside, radius_px, pitch)
    return normals_of(points, around, eigenvalues(around.upper))


def normals_of(points: Tensor, around: Covariances, values: Tensor) -> tuple[Tensor, Tensor]:
    """The same from covariances and their eigenvalues (N, 3) that are known already."""
    vectors = smallest_vectors(around.upper, values)
    towards = points.permute(0, 2, 3, 1)[around.given].double()
    away = (vectors * towards).sum(dim=1, keepdim=True) > 0.0
    images = around.scattered(torch.where(away, -vectors, vectors).to(points.dtype))
    given = around.given.clone()
    given[around.given] = vectors.any(dim=1)
    return images, given
