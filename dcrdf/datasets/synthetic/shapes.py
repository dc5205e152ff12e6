"""Outlines and paths as distances in mm."""

import numpy as np
from numpy.typing import NDArray

from dcrdf.datasets.synthetic.arrays import Field


def inside_rounded_box(p_mm: Field, q_mm: Field, half_mm: float, radius_mm: float) -> Field:
    """Distance to the outline of a square with round corners, positive inside."""
    corner = half_mm - radius_mm
    over_p, over_q = np.abs(p_mm) - corner, np.abs(q_mm) - corner
    outer = np.hypot(np.maximum(over_p, 0.0), np.maximum(over_q, 0.0))
    inner = np.minimum(np.maximum(over_p, over_q), 0.0)
    return (radius_mm - outer - inner).astype(np.float32)


def rounded_edge(inside_mm: Field, radius_mm: float) -> Field:
    """How far (mm) a quarter-round edge lies below the flat top, by distance from the outline."""
    missing = np.clip(radius_mm - inside_mm, 0.0, radius_mm)
    return (radius_mm - np.sqrt(radius_mm**2 - missing**2)).astype(np.float32)


def distance_to_path(x_mm: Field, y_mm: Field, path_mm: NDArray[np.float64]) -> tuple[Field, Field]:
    """Distance (H, W) to a polyline (N, 2), and the share (0 to 1) of its length at the nearest
    point."""
    legs = np.diff(path_mm, axis=0)
    lengths = np.hypot(legs[:, 0], legs[:, 1])
    starts = np.concatenate([[0.0], np.cumsum(lengths)])
    nearest_sq = np.full(x_mm.shape, np.inf, np.float32)
    share = np.zeros(x_mm.shape, np.float32)
    for (start_x, start_y), (leg_x, leg_y), length, begun in zip(
        path_mm[:-1].tolist(), legs.tolist(), lengths.tolist(), starts.tolist(), strict=False
    ):
        along = ((x_mm - start_x) * leg_x + (y_mm - start_y) * leg_y) / max(length**2, 1e-9)
        along = np.clip(along, 0.0, 1.0)
        square = (x_mm - start_x - along * leg_x) ** 2 + (y_mm - start_y - along * leg_y) ** 2
        closer = square < nearest_sq
        nearest_sq = np.where(closer, square, nearest_sq)
        share = np.where(closer, (begun + along * length) / float(starts[-1]), share)
    return np.sqrt(nearest_sq), share


def wandering_path(
    start_mm: tuple[float, float],
    angle: float,
    length_mm: float,
    rng: np.random.Generator,
    *,
    wander: float,
    steps: int = 10,
) -> NDArray[np.float64]:
    """A polyline (steps + 1, 2) centred on `start_mm` that turns by about `wander` radians a
    step."""
    headings = angle + np.cumsum(rng.normal(0.0, wander, steps))
    legs = np.column_stack([np.cos(headings), np.sin(headings)]) * (length_mm / steps)
    path = np.vstack([[0.0, 0.0], np.cumsum(legs, axis=0)])
    return np.asarray(path - path[steps // 2] + start_mm, np.float64)
