"""How sharply a surface bends around a point: the paper's edge response."""

import torch
from torch import Tensor

from dcrdf.networks.geometry.windows import add_at_both_ends, ends, pairs


def angles(first: Tensor, second: Tensor) -> Tensor:
    """Angles (B, h, w) in radians, 0 to pi / 2, between unit vectors (B, 3, h, w) without a sign.

    Taken from the length of the shorter difference, since the arc cosine of nearly 1 has but half
    of the digits.
    """
    apart = (first - second).square().sum(dim=1)
    opposite = (first + second).square().sum(dim=1)
    return 2.0 * (torch.minimum(apart, opposite).sqrt() / 2.0).asin()


def edge_response(
    points: Tensor,
    normals: Tensor,
    given: Tensor,
    radius_px: int = 2,
    pitch: Tensor | None = None,
) -> Tensor:
    """E (B, H, W) in radians: the mean of arccos |n_p . n_q| over the neighbours q of p that have
    a normal (Xu et al., Sensors 2025, section 3.2.2; the absolute value is ours, normals of
    covariances having no sign). 0 without normal or neighbours.

    `points` and `normals` (B, 3, H, W), `given` (B, H, W) where there are normals.
    """
    total = torch.zeros_like(points[:, 0])
    count = torch.zeros_like(total)
    for pair in pairs(points, given, radius_px, pitch):
        angle = angles(*ends(normals, pair.offset)) * pair.count
        add_at_both_ends(total, pair.offset, angle)
        add_at_both_ends(count, pair.offset, pair.count)
    return total / count.clamp(min=1.0)
