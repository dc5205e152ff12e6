"""Groups of the points nearest to a few centres."""

import torch
from torch import Tensor

CHUNK = 2**22
"""Distances held at a time."""


def farthest_points(points: Tensor, count: int) -> Tensor:
    """Indices of `count` of the points (N, 3), each the one farthest from those before it, of
    equally far ones the first; begins with the first point. All of them where there are no more.

    Eldar et al., IEEE Transactions on Image Processing 6, 1997.
    """
    axes = points.T.contiguous()
    which = torch.zeros(min(count, len(points)), dtype=torch.int64, device=points.device)
    nearest = torch.full_like(points[:, 0], torch.inf)
    for i in range(1, len(which)):
        offsets = axes - axes[:, which[i - 1], None]
        nearest = torch.minimum(nearest, offsets.square_().sum(dim=0))
        which[i] = nearest.argmax()
    return which


def groups(points: Tensor, centres: Tensor, size: int) -> Tensor:
    """The `size` points (N, 3) nearest to each centre (G, 3), nearest first, less the centre:
    (G, size, 3); all points where there are no more."""
    rows, found = max(1, CHUNK // max(len(points), 1)), []
    for some in centres.split(rows):
        distances = torch.cdist(some, points, compute_mode="donot_use_mm_for_euclid_dist")
        nearest = distances.topk(min(size, len(points)), dim=1, largest=False).indices
        found.append(points[nearest] - some[:, None])
    return torch.cat(found)
