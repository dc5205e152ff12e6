"""Whether colour and depth lie on one another: the shift at which their edges agree best.

Edges of the surface (its slope) are correlated with edges of the colour image over many scans.
Scans with pronounced surface edges carry the weight; flat ones say nothing and count for nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_SHIFT_PX = 24
MIN_SCANS = 8
MIN_CORRELATION = 0.1
MAX_DISAGREEMENT_PX = 4
MAX_COLOUR_PERCENTILE = 99.0
MAX_SLOPE_MM_PER_PX = 5.0
_DETAIL_SIGMA_PX, _SURROUND_SIGMA_PX = 1.0, 16.0

Map = NDArray[np.float32]


@dataclass(frozen=True)
class EdgeProduct:
    """One scan's share of the correlation.

    `products` (2 R + 1, 2 R + 1) float64 holds the products of the edge maps summed over pixels,
    for shifts of -R to R pixels, R = `MAX_SHIFT_PX`.
    """

    products: NDArray[np.float64]
    colour_energy: float
    surface_energy: float


@dataclass(frozen=True)
class Shift:
    """Where the surface lies relative to the colour image, in pixels (right, down)."""

    right_px: int
    down_px: int
    correlation: float


def edge_product(rgb: NDArray[np.uint8], surface_m: Map) -> EdgeProduct:
    """Compare the edges of a scan: rgb (S, S, 3) and its surface (S, S) in metres, hole-free."""
    colour = _edges(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32))
    colour = np.minimum(colour, np.percentile(colour, MAX_COLOUR_PERCENTILE))
    colour = _windowed(colour)
    slope = np.minimum(_edges(surface_m * np.float32(1000.0)), MAX_SLOPE_MM_PER_PX)
    slope = _windowed(slope.astype(np.float32))
    product = np.conj(np.fft.rfft2(colour)) * np.fft.rfft2(slope)
    by_shift = np.fft.fftshift(np.fft.irfft2(product, colour.shape))
    row, column = colour.shape[0] // 2, colour.shape[1] // 2
    reach = slice(-MAX_SHIFT_PX, MAX_SHIFT_PX + 1)
    nearby = by_shift[
        row + reach.start : row + reach.stop, column + reach.start : column + reach.stop
    ]
    return EdgeProduct(nearby, float(np.square(colour).sum()), float(np.square(slope).sum()))


def best_shift(scans: Sequence[EdgeProduct]) -> Shift | None:
    """The shift at which all scans' edges agree best; None where the edges cannot tell.

    They cannot when the best correlation is weak, or when quarters of the scans disagree.
    """
    if len(scans) < MIN_SCANS:
        return None
    best = _peak(scans)
    quarters = [_peak(scans[start::4]) for start in range(4)]
    apart_px = max(
        np.ptp([quarter.right_px for quarter in quarters]),
        np.ptp([quarter.down_px for quarter in quarters]),
    )
    if best.correlation < MIN_CORRELATION or apart_px > MAX_DISAGREEMENT_PX:
        return None
    return best


def _peak(scans: Sequence[EdgeProduct]) -> Shift:
    energy = sum(scan.colour_energy for scan in scans) * sum(scan.surface_energy for scan in scans)
    if energy <= 0.0:
        return Shift(0, 0, 0.0)
    correlation = np.sum([scan.products for scan in scans], axis=0) / np.sqrt(energy)
    row, column = np.unravel_index(int(correlation.argmax()), correlation.shape)
    return Shift(
        int(column) - MAX_SHIFT_PX, int(row) - MAX_SHIFT_PX, float(correlation[row, column])
    )


def _edges(image: Map) -> Map:
    smooth = cv2.GaussianBlur(image, (0, 0), _DETAIL_SIGMA_PX)
    right, down = (cv2.Sobel(smooth, cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))
    return np.asarray(cv2.magnitude(right, down), np.float32)


def _windowed(edges: Map) -> Map:
    """Without slow changes and without the image border, which would favour a shift of zero."""
    detail = edges - cv2.GaussianBlur(edges, (0, 0), _SURROUND_SIGMA_PX)
    window = np.outer(np.hanning(edges.shape[0]), np.hanning(edges.shape[1]))
    detail = detail * window.astype(np.float32)
    return np.asarray(detail - detail.mean(), np.float32)
