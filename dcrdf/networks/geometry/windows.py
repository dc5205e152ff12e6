"""Neighbours in an organised cloud: the pixels of a window that are near in space, too.

A window needs no search: all pixels see their neighbour at one offset at once, as two shifted
views of the same image. Whatever is the same from both ends is computed for half of the offsets.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

Offset = tuple[int, int]
"""Down and to the right, in pixels."""


def half_window(radius_px: int) -> list[Offset]:
    """Offsets of a square window such that every pair of neighbours comes up just once."""
    across = range(-radius_px, radius_px + 1)
    below = [(dy, dx) for dy in range(1, radius_px + 1) for dx in across]
    return [(0, dx) for dx in range(1, radius_px + 1)] + below


def whole_window(radius_px: int) -> list[Offset]:
    """All offsets of a square window but the middle."""
    half = half_window(radius_px)
    return half + [(-dy, -dx) for dy, dx in half]


def ends(values: Tensor, offset: Offset) -> tuple[Tensor, Tensor]:
    """Views (..., h, w) of an image (..., H, W): the pixels that have a neighbour at the offset,
    and these neighbours; empty where the image is smaller than the offset."""
    dy, dx = offset
    height, width = values.shape[-2:]
    h, w = max(height - abs(dy), 0), max(width - abs(dx), 0)
    top, left = min(max(-dy, 0), height), min(max(-dx, 0), width)
    below, right = min(max(dy, 0), height), min(max(dx, 0), width)
    first = values[..., top : top + h, left : left + w]
    return first, values[..., below : below + h, right : right + w]


def add_at_both_ends(sums: Tensor, offset: Offset, values: Tensor) -> None:
    """Add a value of each pair (..., h, w) to its two pixels of `sums` (..., H, W), in place."""
    first, second = ends(sums, offset)
    first += values
    second += values


def pitch_m(points: Tensor, inside: Tensor) -> Tensor:
    """Median distance (B,) of horizontally adjacent points that are both inside (the lower one of
    two medians); 0 without any.

    `points` (B, 3, H, W) in metres, `inside` (B, H, W) bool.
    """
    first, second = ends(points, (0, 1))
    both = torch.logical_and(*ends(inside, (0, 1))).flatten(1)
    steps_m = (second - first).norm(dim=1).flatten(1)
    if not steps_m.shape[1]:
        return points.new_zeros(len(points))
    ordered = steps_m.masked_fill(~both, torch.inf).sort(dim=1).values
    count = both.sum(dim=1)
    middle = ordered.gather(1, (count - 1).clamp(min=0)[:, None] // 2)[:, 0]
    return torch.where(count > 0, middle, torch.zeros_like(middle))


@dataclass(frozen=True)
class Pairs:
    """The pairs of one offset: from all pixels that have such a neighbour to it.

    `difference` (B, 3, h, w) in metres, `squared` (B, h, w) its squared length, `count` (B, h, w)
    whether both are inside and nearer than the reach.
    """

    offset: Offset
    difference: Tensor
    squared: Tensor
    count: Tensor


def pairs(
    points: Tensor, inside: Tensor, radius_px: int, pitch: Tensor | None = None
) -> Iterator[Pairs]:
    """Every pair of pixels in each other's window, once.

    They count if both are inside and nearer than twice the radius in pitches: a window would else
    reach across a step.

    `points` (B, 3, H, W), `inside` (B, H, W) bool; `pitch` (B,) where it is known already.
    """
    pitch = pitch_m(points, inside) if pitch is None else pitch
    reach_squared = (2.0 * radius_px * pitch).square()[:, None, None]
    for offset in half_window(radius_px):
        first, second = ends(points, offset)
        difference = second - first
        squared = difference.square().sum(dim=1)
        both = torch.logical_and(*ends(inside, offset))
        yield Pairs(offset, difference, squared, both & (squared < reach_squared))


def thinned(values: Tensor, step_px: int) -> Tensor:
    """Every `step_px`-th pixel of (..., H, W), the one just behind the middle of its block, as it
    is: (..., H // step, W // step)."""
    return _every(values, step_px, step_px // 2)


def at_places(values: Tensor, place_px: int) -> Tensor:
    """The same, but the one just before the middle: after `thinned` by 2, `place_px` 2 takes the
    pixel that `place_px` 4 takes of the whole image."""
    return _every(values, place_px, (place_px - 1) // 2)


def _every(values: Tensor, step_px: int, start_px: int) -> Tensor:
    height, width = (side // step_px * step_px for side in values.shape[-2:])
    return values[..., start_px:height:step_px, start_px:width:step_px]
