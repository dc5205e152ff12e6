"""Pictures, heights and maps as short texts that a page's script turns back into numbers.

Each is encoded once. WebP keeps lossless pixels exactly, and browsers decode it by themselves:
colour is lossy, a map is 8 bit along a root (finer where thresholds lie), heights are 10 bit.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.report.figures import Image, fit

COLOUR_PX = 256
HEIGHT_PX = 128
MAP_SIDES_PX = (128, 112, 96, 80, 64, 48, 32)
MAPS_BYTES = 6_000_000
"""What all maps of a page may take, before their texts are a third longer."""
_BYTES_PER_PIXEL = 0.28
"""Of a blurred map, measured on real and on embedded parts."""
_COLOUR_QUALITY, _LOSSLESS = 80, 101
_HEIGHT_LEVELS = 1023


@dataclass(frozen=True)
class Packed:
    """Images of one kind: their texts, and the range that the levels span."""

    images: list[str]
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """As the script reads it."""
        return {"images": self.images, "low": self.low, "high": self.high}


def map_side_px(images: int, runs: int) -> int:
    """The side of fused maps (branches have half of it) that keeps a page small."""
    for side in MAP_SIDES_PX:
        if 1.5 * images * runs * _BYTES_PER_PIXEL * side**2 <= MAPS_BYTES:
            return side
    return MAP_SIDES_PX[-1]


def pack_colour(rgb: Image) -> str:
    """A colour image (H, W, 3), made smaller where it is large."""
    return _text(fit(rgb, COLOUR_PX)[..., ::-1], _COLOUR_QUALITY)


def pack_maps(maps: Sequence[NDArray[np.floating]], side_px: int) -> Packed:
    """Maps (H, W), the longer side at most `side_px`: level q is low + (high - low) (q / 255)^2."""
    small = [fitted(one, side_px) for one in maps]
    low = min((float(one.min()) for one in small), default=0.0)
    high = max((float(one.max()) for one in small), default=1.0)
    span = max(high - low, 1e-9)
    levels = [np.rint(255.0 * np.sqrt((one - low) / span)) for one in small]
    return Packed([_text(one.astype(np.uint8), _LOSSLESS) for one in levels], low, low + span)


def pack_heights(heights: Sequence[NDArray[np.floating]]) -> Packed:
    """Heights (H, W) in 1023 even levels: red holds the level's upper 8 bits, green the rest.

    Beyond the range of all but one in a thousand pixels they are cut off.
    """
    small = [fitted(one, HEIGHT_PX) for one in heights]
    pooled = np.concatenate([one.ravel() for one in small] or [np.zeros(1, np.float32)])
    low, high = (float(value) for value in np.quantile(pooled, (0.0005, 0.9995)))
    return Packed([pack_height(one, low, high) for one in small], low, max(high, low + 1e-9))


def pack_height(height: NDArray[np.floating], low: float, high: float) -> str:
    """One of them within its range."""
    share = np.clip((fitted(height, HEIGHT_PX) - low) / max(high - low, 1e-9), 0.0, 1.0)
    level = np.rint(_HEIGHT_LEVELS * share).astype(np.uint16)
    pixels = np.zeros((*level.shape, 3), np.uint8)
    pixels[..., 2], pixels[..., 1] = level >> 2, (level & 3) << 6
    return _text(pixels, _LOSSLESS)


def outlines(mask: NDArray[np.bool_]) -> list[list[float]]:
    """Closed lines x, y, x, y, ... around a mask (H, W), as shares of its width and height: a
    little way around, so that they hide nothing of a thin defect."""
    around = cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    found, _ = cv2.findContours(around, cv2.RETR_LIST, cv2.CHAIN_APPROX_TC89_L1)
    size = np.array([mask.shape[1], mask.shape[0]], np.float64)
    return [np.round((one[:, 0, :] + 0.5) / size, 4).ravel().tolist() for one in found]


def fitted(values: NDArray[np.floating], side_px: int) -> NDArray[np.float32]:
    """Area means, so that nothing is skipped; as it is where it is small enough."""
    plain = np.asarray(values, np.float32)
    share = side_px / max(plain.shape)
    if share >= 1.0:
        return plain
    size = (max(1, round(plain.shape[1] * share)), max(1, round(plain.shape[0] * share)))
    return np.asarray(cv2.resize(plain, size, interpolation=cv2.INTER_AREA), np.float32)


def _text(pixels: NDArray[np.uint8], quality: int) -> str:
    options = [cv2.IMWRITE_WEBP_QUALITY, quality]
    _, encoded = cv2.imencode(".webp", np.ascontiguousarray(pixels), options)
    return base64.b64encode(encoded.tobytes()).decode("ascii")
