"""The inspected part in front of the background plane."""

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from dcrdf.config.options import PrepareOptions
from dcrdf.preparation.clusters import largest_cluster

Mask = NDArray[np.bool_]

MM = 1e-3
OPENING_SHARE = 0.005
"""Width of the opening and closing element, as a share of the shorter image side."""


def height_threshold_m(sigma_m: float, sigmas: float, minimum_m: float) -> float:
    """What rises this far above the plane is no plane noise: max(sigmas * sigma, minimum)."""
    return max(sigmas * sigma_m, minimum_m)


def part_foreground(
    height_m: NDArray[np.float32],
    xyz_m: NDArray[np.float32],
    known: Mask,
    threshold_m: float,
    options: PrepareOptions,
) -> Mask:
    """The part (H, W): known points above the threshold, or that far off the plane on either side,
    tidied up as the options say."""
    distance_m = np.abs(height_m) if options.foreground == "off_plane" else height_m
    standing: Mask = (distance_m > threshold_m) & known
    if options.foreground_clean == "shape":
        return shaped(standing, options.component_min_share)
    if options.foreground_clean == "close":
        return closed(standing, options.close_px)
    if options.foreground_clean == "largest":
        return largest_cluster(xyz_m, standing, options.cluster_gap_mm * MM)
    return standing


def shaped(mask: Mask, component_min_share: float) -> Mask:
    """Opened, closed, enclosed holes filled, and pieces smaller than `component_min_share` of the
    image (their holes counted) dropped."""
    width_px = 2 * max(1, round(OPENING_SHARE * min(mask.shape) / 2)) + 1
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width_px, width_px))
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, element)
    closed_ = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, element)
    return _large_filled_pieces(
        closed_.astype(np.uint8, copy=False), component_min_share * mask.size
    )


def closed(mask: Mask, width_px: int) -> Mask:
    """Closed by a square; nothing dropped, wider holes left open."""
    square = np.ones((width_px, width_px), np.uint8)
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, square).astype(np.bool_)


def _large_filled_pieces(mask: NDArray[np.uint8], min_area_px: float) -> Mask:
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    large = [outline for outline in outlines if _filled_area_px(outline) >= min_area_px]
    filled = np.zeros_like(mask)
    cv2.drawContours(filled, large, -1, 1, cv2.FILLED)
    return filled.astype(np.bool_)


def _filled_area_px(outline: MatLike) -> float:
    """Pixels inside and on an outline that visits every border pixel (Pick's theorem)."""
    return float(cv2.contourArea(outline)) + len(outline) / 2.0 + 1.0
