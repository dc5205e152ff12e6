"""What can be counted of a scan without any network: is there a picture, are there points, how far
away, how large. What tells a dead or wrong sensor from a part, whatever the detector."""

from collections.abc import Iterable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.scans.arrays import ScanArrays
from dcrdf.scans.depth_counts import LEAST_NOISE, hole_shares, noise_levels

Readings = Mapping[str, NDArray[np.float64]]
"""Values (N,) of N scans by the names of `QUANTITIES`; what scans lack is missing."""

LEAST_CONTRAST = 0.5
"""In grey levels, the rounding of 8 bits: what is below it is nothing."""
SMOOTH_PX = 5
"""Width of the mean that leaves structure and takes a sensor's noise away."""
LEAST_RELIEF = 1e-3
"""In normalised height, about the step of half precision."""


def readings_of(scans: ScanArrays) -> dict[str, NDArray[np.float64]]:
    """The readings of scans."""
    return {**_of_colour(scans), **_of_depth(scans)}


def joined(parts: Iterable[Readings]) -> dict[str, NDArray[np.float64]]:
    """Readings of several groups of scans as those of one; what a group lacks is missing."""
    groups = list(parts)
    names = [name for name in groups[0] if all(name in one for one in groups)]
    return {name: np.concatenate([one[name] for one in groups]) for name in names}


def grey_odds(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean grey levels as what is lit against what is not: both ends, black and white, are far from
    everything else."""
    return (grey + 0.5) / (255.5 - grey)


def grey_of(odds: float) -> float:
    """The inverse of `grey_odds`."""
    return (255.5 * odds - 0.5) / (1.0 + odds)


def _of_colour(scans: ScanArrays) -> dict[str, NDArray[np.float64]]:
    if scans.rgb is None:
        return {}
    means, contrasts, details = np.array(
        [_grey_figures(rgb, inside) for rgb, inside in zip(scans.rgb, scans.inside, strict=True)]
    ).T
    return {"brightness": grey_odds(means), "contrast": contrasts, "detail": details}


def _grey_figures(rgb: NDArray[np.uint8], inside: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Mean, deviation of the smoothed image, and mean roughness (the absolute Laplacian), in grey
    levels; of the image, not of a letterbox's bars."""
    grey = rgb.mean(axis=2, dtype=np.float32)
    mean = float(grey[inside].mean(dtype=np.float64))
    grey[~inside] = mean
    smooth = cv2.blur(grey, (SMOOTH_PX, SMOOTH_PX))
    rough = np.abs(cv2.Laplacian(grey, cv2.CV_32F))
    contrast = float(smooth[inside].std(dtype=np.float64))
    detail = float(rough[inside].mean(dtype=np.float64))
    return mean, contrast + LEAST_CONTRAST, detail + LEAST_CONTRAST


def _of_depth(scans: ScanArrays) -> dict[str, NDArray[np.float64]]:
    height, valid, on_part = scans.height, scans.valid, scans.on_part
    if height is None or valid is None or on_part is None:
        return {}
    found = {
        "noise": noise_levels(height, valid) + LEAST_NOISE,
        "part_measured": 1.0 - hole_shares(valid, on_part),
        "relief": _deviations(height, scans.inside) + LEAST_RELIEF,
    }
    of_whole_scans = {
        "distance": scans.distance_m,
        "size": scans.size_m,
        "foreground": scans.foreground_share,
        "measured": None if scans.missing_share is None else 1.0 - scans.missing_share,
    }
    return found | {name: x for name, x in of_whole_scans.items() if x is not None}


def _deviations(height: NDArray[np.floating], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    each = zip(height, inside, strict=True)
    return np.array([float(x[where].std(dtype=np.float64)) for x, where in each])
