"""Between a scan's own size and the square the networks see."""

from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Resize = Literal["stretch", "letterbox"]
SurfaceResize = Literal["weighted", "nearest", "bilinear"]
Pad = Literal["mirror", "zero", "edge"]
Mask = NDArray[np.bool_]
Pixel = TypeVar("Pixel", np.uint8, np.float16, np.float32, np.bool_)
Number = TypeVar("Number", np.uint8, np.float32)

MIN_MEASURED_SHARE = 0.5
"""A resized pixel counts as measured when at least this share of its area was."""


@dataclass(frozen=True)
class Placement:
    """Where the resized image lies inside the square (all in pixels)."""

    square: int
    top: int
    left: int
    height: int
    width: int

    @property
    def inside(self) -> tuple[slice, slice]:
        """The rows and columns of the image inside the square."""
        return (
            slice(self.top, self.top + self.height),
            slice(self.left, self.left + self.width),
        )


def place(
    native_size: tuple[int, int], square: int, resize: Resize, multiple: int = 1
) -> Placement:
    """`stretch` fills the square; `letterbox` keeps the aspect ratio and centres the image, whose
    longer side with bars is a multiple of `multiple` native pixels."""
    if resize == "stretch":
        return Placement(square, 0, 0, square, square)
    longer = -(-max(native_size) // multiple) * multiple
    height, width = (max(1, round(side * square / longer)) for side in native_size)
    return Placement(square, (square - height) // 2, (square - width) // 2, height, width)


def inside_mask(
    native_size: tuple[int, int], square: int, resize: Resize, multiple: int = 1
) -> Mask:
    """Where the image lies in the square, (S, S); false on the bars of a letterbox."""
    mask = np.zeros((square, square), np.bool_)
    mask[place(native_size, square, resize, multiple).inside] = True
    return mask


def resize_area(image: NDArray[Number], placement: Placement) -> NDArray[Number]:
    """Area means where an axis shrinks, bilinear where it grows; (h, w) or (h, w, C)."""
    rows, columns = image.shape[:2]
    by_rows, by_columns = _mean(rows, placement.height), _mean(columns, placement.width)
    if by_rows != by_columns:
        image = _resized(image, placement.height, columns, by_rows)
    return _resized(image, placement.height, placement.width, by_columns)


def _mean(source: int, target: int) -> int:
    return cv2.INTER_AREA if target <= source else cv2.INTER_LINEAR


def _resized(image: NDArray[Number], rows: int, columns: int, by: int) -> NDArray[Number]:
    return np.asarray(cv2.resize(image, (columns, rows), interpolation=by), image.dtype)


def resize_surface(
    surface_m: NDArray[np.float32],
    valid: Mask,
    placement: Placement,
    by: SurfaceResize = "weighted",
) -> tuple[NDArray[np.float32], Mask]:
    """Resize heights and say where enough were valid; elsewhere they are 0.

    `weighted` takes means over the valid pixels alone, `bilinear` weighs the four around a target
    pixel's centre in the same way, `nearest` picks one.
    """
    known_m = np.where(valid, surface_m, np.float32(0.0))
    if by == "nearest":
        return resize_nearest(known_m, placement), resize_nearest(valid, placement)
    resized = resize_area if by == "weighted" else resize_bilinear
    share = resized(valid.astype(np.float32), placement)
    total = resized(known_m, placement)
    measured = share >= MIN_MEASURED_SHARE
    return np.divide(total, share, out=np.zeros_like(total), where=measured), measured


def resize_bilinear(image: NDArray[Number], placement: Placement) -> NDArray[Number]:
    """Bilinear between the pixels around each target pixel's centre, whether it shrinks or not."""
    return _resized(image, placement.height, placement.width, cv2.INTER_LINEAR)


def resize_nearest(image: NDArray[Pixel], placement: Placement) -> NDArray[Pixel]:
    """Pick the pixel under each target pixel's centre; (h, w) masks or (h, w, 3) points."""
    rows = _picked(image.shape[0], placement.height)
    columns = _picked(image.shape[1], placement.width)
    return image[rows[:, None], columns[None, :]]


def pad_bars(image: NDArray[Pixel], placement: Placement, pad: Pad) -> NDArray[Pixel]:
    """Bring an image to the square; the bars of a letterbox mirror it, so that no edge arises, are
    zero, or repeat its edge."""
    mode: Any = {"mirror": "symmetric", "zero": "constant", "edge": "edge"}[pad]
    margins = _margins(placement)
    if not any(map(sum, margins)):
        return image
    return np.pad(image, margins + [(0, 0)] * (image.ndim - 2), mode=mode)


def pad_empty(image: NDArray[Pixel], placement: Placement) -> NDArray[Pixel]:
    """Bring a mask or points to the square; the bars are False or zero."""
    return pad_bars(image, placement, "zero")


def to_native(
    map_: NDArray[np.float32], native_size: tuple[int, int], resize: Resize, multiple: int = 1
) -> NDArray[np.float32]:
    """Bring a map (S, S) back to the scan's (height, width): bars cut off, then bilinear."""
    placement = place(native_size, map_.shape[0], resize, multiple)
    inner = np.ascontiguousarray(map_[placement.inside])
    height, width = native_size
    resized = cv2.resize(inner, (int(width), int(height)), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, np.float32)


def _picked(source: int, target: int) -> NDArray[np.intp]:
    return ((np.arange(target) + 0.5) * source / target).astype(np.intp)


def _margins(placement: Placement) -> list[tuple[int, int]]:
    below = placement.square - placement.top - placement.height
    right = placement.square - placement.left - placement.width
    return [(placement.top, below), (placement.left, right)]
