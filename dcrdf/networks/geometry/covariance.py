"""Covariance of the points around every pixel."""

from dataclasses import dataclass

import torch
from torch import Tensor

from dcrdf.networks.geometry.windows import ends, pairs

UPPER = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
"""The entries of a symmetric matrix that are kept, in this order."""
FEWEST = 4
"""Neighbours, for a covariance."""


@dataclass(frozen=True)
class Covariances:
    """`given` (B, H, W) bool, the N pixels inside with neighbours enough; `upper` (N, 6) float64,
    the upper triangles of their covariances in square metres, in the order of the pixels."""

    given: Tensor
    upper: Tensor

    def scattered(self, values: Tensor) -> Tensor:
        """Values (N, C) at their pixels, 0 elsewhere: (B, C, H, W)."""
        images = values.new_zeros((*self.given.shape, values.shape[1]))
        images[self.given] = values
        return images.permute(0, 3, 1, 2).contiguous()


def covariances(
    points: Tensor, inside: Tensor, radius_px: int, pitch: Tensor | None = None
) -> Covariances:
    """Covariances of all pixels' neighbours (not the pixel itself), divided by their number.

    Sums are taken of differences to the pixel's own point: squares of coordinates half a metre
    away would cancel in float32 what a tenth of a millimetre adds to them.

    `points` (B, 3, H, W) in metres, `inside` (B, H, W) bool, `pitch` (B,) where known already.
    """
    batch, _, height, width = points.shape
    sums = points.new_zeros((10, batch, height, width))
    for pair in pairs(points, inside, radius_px, pitch):
        x, y, z = (pair.difference * pair.count[:, None]).unbind(dim=1)
        counted = pair.count.to(points.dtype)
        first, second = ends(sums, pair.offset)
        there = torch.stack([counted, x, y, z, x * x, x * y, x * z, y * y, y * z, z * z])
        first += there
        there[1:4].neg_()
        second += there
    count = sums[0]
    given = inside & (count >= FEWEST)
    mean = (sums[1:4, given] / count[given]).double()
    squares = (sums[4:, given] / count[given]).double()
    products = torch.stack([mean[i] * mean[j] for i, j in UPPER])
    return Covariances(given, (squares - products).T.contiguous())
