"""Array types, and the small functions of one variable that shapes are made of."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
"""One float32 value (H, W) or colour (H, W, 3) per pixel."""

Mask = NDArray[np.bool_]

Colour = tuple[float, float, float]
"""Linear red, green and blue reflectance, 0 to 1."""


def smoothstep(low: float, high: float, values: NDArray[np.floating[Any]]) -> Field:
    """0 up to `low`, 1 from `high` on, smooth between; with `low` above `high` it falls."""
    share = np.clip((values - low) / (high - low), 0.0, 1.0)
    return (share * share * (3.0 - 2.0 * share)).astype(np.float32)


def mix(first: Field, second: Field, share: Field) -> Field:
    """`first` where `share` is 0, `second` where it is 1; `share` (H, W) serves all channels."""
    weight = share[..., None] if first.ndim > share.ndim else share
    return (first + weight * (second - first)).astype(np.float32)


def painted(shape: tuple[int, ...], colour: Colour) -> Field:
    """A read-only field (H, W, 3) of one colour."""
    return np.broadcast_to(np.array(colour, np.float32), (*shape[:2], 3))


def shaded(first: Colour, second: Colour, share: Field) -> Field:
    """A field (H, W, 3) of the first colour where `share` (H, W) is 0, of the second where 1."""
    return mix(painted(share.shape, first), painted(share.shape, second), share)


def blurred(field: NDArray[np.floating[Any]], sigma_px: float) -> Field:
    """A field (H, W) or (H, W, 3) smoothed by a Gaussian."""
    return np.asarray(cv2.GaussianBlur(field.astype(np.float32), (0, 0), sigma_px), np.float32)


def between(low: float, high: float, share: float) -> float:
    """The value that lies `share` of the way from `low` to `high`."""
    return low + share * (high - low)
