"""Putting a texture onto a part: N_hat of the paper's eq. 6."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.anomalies.arrays import ColourImage, rows_and_columns
from dcrdf.anomalies.clean import CleanSample
from dcrdf.anomalies.draw import Draw

PROBES = 1024
MAP_COLUMNS = 256
"""OpenCV's maps are images: scattered points are laid out in rows of this length."""


def matched_texture(
    at: NDArray[np.intp], clean: CleanSample, draw: Draw, texture: ColourImage
) -> NDArray[np.float32]:
    """N_hat at flat window indices, (3, k) in [0, 255].

    A texture turned and scaled into the box of M_s, mirrored where it ends, with the part's
    per-channel mean and deviation; its own come from `PROBES` pixels spread over the foreground.
    """
    probes = clean.inside[:: -(-len(clean.inside) // PROBES)]
    placed = _placed(np.concatenate([probes, at]), clean, draw, texture)
    mean, deviation = cv2.meanStdDev(placed[: len(probes), None])
    matched = channels_first(placed[len(probes) :])
    matched -= mean.astype(np.float32)
    matched *= clean.colour_deviation / np.maximum(deviation.astype(np.float32), 1.0)
    matched += clean.colour_mean + draw.texture_shift * clean.colour_deviation
    return np.clip(matched, 0.0, 255.0, out=matched)


def channels_first(colours: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Colours (k, 3) as float32 (3, k): long rows, which arithmetic likes better than triples."""
    planes = cv2.split(colours[:, None])
    return np.array(planes, dtype=np.float32).reshape(3, -1)


def channels_last(colours: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colours (3, k) in [0, 255] rounded to the nearest even level, uint8 (k, 3)."""
    return np.asarray(cv2.transpose(cv2.convertScaleAbs(colours)), dtype=np.uint8)


def _placed(
    at: NDArray[np.intp], clean: CleanSample, draw: Draw, texture: ColourImage
) -> NDArray[np.uint8]:
    """The texture's colours (k, 3) at flat window indices.

    The longer side of M_s's box spans `zoom` textures.
    """
    top, left, height, width = clean.box
    step = draw.zoom * len(texture) / max(height, width)
    along, across = step * math.cos(draw.turn_rad), step * math.sin(draw.turn_rad)
    rows, columns = rows_and_columns(at, clean.spatial.shape[1])
    down = rows.astype(np.float32) - (top + height / 2)
    right = columns.astype(np.float32) - (left + width / 2)
    where = np.zeros((2, -(-len(at) // MAP_COLUMNS), MAP_COLUMNS), dtype=np.float32)
    x, y = where.reshape(2, -1)[:, : len(at)]
    x[:] = along * right - across * down + len(texture) / 2
    y[:] = across * right + along * down + len(texture) / 2
    colours = cv2.remap(
        texture, where[0], where[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(colours, dtype=np.uint8).reshape(-1, 3)[: len(at)]
