"""From samples back to points, by nearness in space and in direction."""

import torch
from torch import Tensor

NEIGHBOURS = 8
CHUNK = 2**22
"""Distances held at a time."""


def interpolated(
    points: Tensor,
    normals: Tensor,
    samples: Tensor,
    sample_normals: Tensor,
    values: Tensor,
    *,
    within_m: float,
    sigma_m: float,
    sigma_normal: float = 0.5,
    neighbours: int = NEIGHBOURS,
) -> tuple[Tensor, Tensor]:
    """Means of the samples' values (M, C) at the points (N, C), weighted by exp(-|p - q|^2 /
    sigma_m^2 - |n_p - n_q|^2 / sigma_normal^2) over the nearest samples nearer than `within_m`; and
    where there is any (N,): else the values are 0.

    Xu et al., Sensors 2025, section 3.2.2 ("improved inverse distance weighting"); an infinite
    `sigma_normal` leaves the normals out. `points`, `normals` (N, 3), `samples`, `sample_normals`
    (M, 3), in metres.
    """
    found = torch.zeros(len(points), dtype=torch.bool, device=points.device)
    result = values.new_zeros((len(points), values.shape[1]))
    if not len(samples):
        return result, found
    centre = samples.mean(dim=0)
    rows = max(1, CHUNK // len(samples))
    for start in range(0, len(points), rows):
        chunk = slice(start, start + rows)
        distances, nearest = _nearest(points[chunk] - centre, samples - centre, neighbours)
        turned = (normals[chunk, None] - sample_normals[nearest]).square().sum(dim=2)
        exponents = -((distances / sigma_m) ** 2) - turned / sigma_normal**2
        exponents = exponents.masked_fill(distances >= within_m, -torch.inf)
        found[chunk] = exponents.isfinite().any(dim=1)
        weights = exponents.softmax(dim=1).nan_to_num(0.0)  # no sample near: 0 / 0
        result[chunk] = (weights[:, :, None] * values[nearest]).sum(dim=1)
    return result, found


def _nearest(points: Tensor, samples: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Distances (N, K) of the nearest samples and which they are; not by products, in which small
    distances cancel."""
    exact = "donot_use_mm_for_euclid_dist"
    distances = torch.cdist(points, samples, compute_mode=exact)
    nearest = distances.topk(min(count, len(samples)), dim=1, largest=False)
    return nearest.values, nearest.indices


def place_means(values: Tensor, given: Tensor, place_px: int) -> tuple[Tensor, Tensor]:
    """Means (B, C, H // place, W // place) over the pixels of each place that have values
    (B, C, H, W), and where there is one at least: else 0."""
    counted = given[:, None].to(values.dtype)
    share = torch.nn.functional.avg_pool2d(counted, place_px)
    sums = torch.nn.functional.avg_pool2d(values * counted, place_px)
    any_given = share > 0.0
    return torch.where(any_given, sums / share, torch.zeros_like(sums)), any_given[:, 0]
