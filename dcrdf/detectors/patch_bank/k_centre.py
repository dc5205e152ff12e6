"""The greedy choice of k centres (Gonzalez, 1985): each is the farthest from those before it."""

import torch
from torch import Tensor

COVERED = 1e-6
"""Squared distances below this share of the largest squared length are rounding."""


def farthest_rows(rows: Tensor, count: int) -> Tensor:
    """At most `count` rows of (n, C), the first one first; fewer where those cover all others."""
    rows = rows - rows.mean(dim=0)
    squares = rows.square().sum(dim=1)
    left = torch.full_like(squares, torch.inf)
    newest = torch.zeros(1, dtype=torch.long, device=rows.device)
    chosen, radii = [newest], [left[newest]]
    for _ in range(1, count):
        to_newest = torch.addmv(squares, rows, rows[newest[0]], alpha=-2.0) + squares[newest]
        left = torch.minimum(left, to_newest)
        left[newest] = 0.0
        newest = left.argmax().unsqueeze(0)
        chosen.append(newest)
        radii.append(left[newest])
    return torch.cat(chosen)[torch.cat(radii) > COVERED * squares.max()]
