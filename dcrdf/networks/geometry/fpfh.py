"""Fast point feature histograms: how the normals around a point stand to one another.

Rusu et al., ICRA 2009, in the form of Open3D (squared distances as weights), which BTF takes for
its features (Horwitz and Hoshen, CVPRW 2023). Neighbours are those of a window instead of the
nearest in space. The histograms hold counts, so that sums in any order are the same bits.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from dcrdf.networks.geometry.normals import normals
from dcrdf.networks.geometry.windows import at_places, ends, pairs, pitch_m, thinned, whole_window

BINS = 11
CHANNELS = 3 * BINS
"""theta, alpha, phi."""
HALF_RADIUS_PX, FULL_RADIUS_PX = 4, 5


def fpfh_map(
    points: Tensor, inside: Tensor, stride_px: int = 4, *, full: bool = False
) -> tuple[Tensor, Tensor]:
    """Histograms at every `stride_px`-th pixel: (B, 33, H / stride, W / stride), and where they
    are given.

    Normals are of the image as it is; pairs are of every second pixel in a window of 9 x 9, or
    with `full` of all of them in one of 11 x 11.

    `points` (B, 3, H, W) in metres, the camera in their origin; `inside` (B, H, W) bool.
    """
    vectors, given = normals(points, inside)
    if full:
        return fpfh(points, vectors, given, FULL_RADIUS_PX, stride_px)
    thin = [thinned(image, 2) for image in (points, vectors, given)]
    return fpfh(thin[0], thin[1], thin[2], HALF_RADIUS_PX, stride_px // 2)


def fpfh(
    points: Tensor, normals: Tensor, given: Tensor, radius_px: int, place_px: int = 1
) -> tuple[Tensor, Tensor]:
    """Histograms (B, 33, H // place, W // place) float32 at the middle of every place, each block
    of 11 from 0 to 200; 0 where not given (B, H // place, W // place): without a normal.

    `points` and `normals` (B, 3, H, W), `given` (B, H, W) where there are normals.
    """
    pitch = pitch_m(points, given)
    shares = simple_histograms(points, normals, given, radius_px, pitch)
    own, here = at_places(shares, place_px), at_places(given, place_px)
    blocks = weighted_sums(points, given, shares, radius_px, place_px, pitch).unflatten(
        1, (3, BINS)
    )
    totals = blocks.sum(dim=2, keepdim=True)
    scales = torch.where(totals > 0.0, 100.0 / totals, torch.zeros_like(totals))
    return own + (blocks * scales).flatten(1, 2) * here[:, None], here


def weighted_sums(
    points: Tensor, given: Tensor, shares: Tensor, radius_px: int, place_px: int, pitch: Tensor
) -> Tensor:
    """Sums (B, 33, h, w) of the neighbours' histograms around every place, each divided by its
    squared distance; neighbours at no distance are left out."""
    reach_squared = (2.0 * radius_px * pitch).square()[:, None, None]
    bordered = [functional.pad(x, [radius_px] * 4) for x in (points, given, shares)]
    centres = at_places(points, place_px)
    sums = torch.zeros_like(at_places(shares, place_px))
    height, width = given.shape[1:]
    for dy, dx in whole_window(radius_px):
        rows = slice(radius_px + dy, radius_px + dy + height)
        columns = slice(radius_px + dx, radius_px + dx + width)
        there, counts, histograms = (
            at_places(image[..., rows, columns], place_px) for image in bordered
        )
        squared = (there - centres).square().sum(dim=1)
        near = counts & (squared < reach_squared) & (squared > 0.0)
        weights = torch.where(near, 1.0 / squared, torch.zeros_like(squared))
        sums.addcmul_(histograms, weights[:, None].to(sums.dtype))
    return sums


def simple_histograms(
    points: Tensor, normals: Tensor, given: Tensor, radius_px: int, pitch: Tensor
) -> Tensor:
    """SPFH (B, 33, H, W) float32: how many of a point's pairs, in percent, fall into each bin."""
    vectors = normals.permute(0, 2, 3, 1)[given]
    number = torch.zeros(given.shape, dtype=torch.int64, device=given.device)
    number[given] = torch.arange(len(vectors), device=given.device)
    counts = torch.zeros(len(vectors) * CHANNELS, dtype=torch.int32, device=given.device)
    partners = torch.zeros(len(vectors), dtype=torch.int32, device=given.device)
    for pair in pairs(points, given, radius_px, pitch):
        first, second = (end[pair.count] for end in ends(number, pair.offset))
        difference = pair.difference.permute(0, 2, 3, 1)[pair.count]
        bins = bins_of(pair_features(difference, vectors[first], vectors[second]))
        for end in (first, second):
            places = (end * CHANNELS + bins).flatten()
            counts.index_add_(0, places, torch.ones_like(places, dtype=torch.int32))
            partners.index_add_(0, end, torch.ones_like(end, dtype=torch.int32))
    percent = 100.0 / partners.clamp(min=1).float()
    shares = counts.view(-1, CHANNELS).float() * percent[:, None]
    images = shares.new_zeros((*given.shape, CHANNELS))
    images[given] = shares
    return images.permute(0, 3, 1, 2)


def pair_features(difference: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """theta, alpha, phi (3, N) of pairs of points with unit normals (N, 3), the difference being
    that from the first point to the second.

    The frame stands on the end whose normal makes the smaller angle with the line between them, so
    that both ends see the same three. All are 0 where the line is the normal or has no length.
    """
    length = difference.norm(dim=1, keepdim=True)
    line = difference / torch.where(length > 0.0, length, torch.ones_like(length))
    at_first, at_second = (first * line).sum(dim=1), (second * line).sum(dim=1)
    swapped = (at_second.abs() > at_first.abs())[:, None]
    u, t = torch.where(swapped, second, first), torch.where(swapped, first, second)
    line = torch.where(swapped, -line, line)
    phi = torch.where(swapped[:, 0], -at_second, at_first)
    v = torch.linalg.cross(line, u)
    across = v.norm(dim=1, keepdim=True)
    v = v / torch.where(across > 0.0, across, torch.ones_like(across))
    theta = torch.atan2((torch.linalg.cross(u, v) * t).sum(dim=1), (u * t).sum(dim=1))
    return torch.stack([theta, (v * t).sum(dim=1), phi]) * (across[:, 0] > 0.0)


def bins_of(features: Tensor) -> Tensor:
    """Bins (3, N) that theta, alpha and phi (3, N) fall into: 0 to 10, 11 to 21, 22 to 32."""
    theta, alpha, phi = features
    shares = torch.stack([(theta + math.pi) / (2.0 * math.pi), (alpha + 1.0) / 2, (phi + 1.0) / 2])
    first = BINS * torch.arange(3, device=features.device)[:, None]
    return (shares * BINS).floor().long().clamp(0, BINS - 1) + first
