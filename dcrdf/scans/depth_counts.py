"""What can be counted of a height image: what was never measured, and how noisy the rest is."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.preparation.normalise import CLIP

LEAST_NOISE = 1e-3
"""In normalised height, about the step of half precision: below it, noise is not told from it."""
NEAR_PX = 8
"""So far does a filled place reach into the maps beside it: half a place of the coarsest stage of
the teachers for which it was chosen (stride 16)."""


def hole_shares(valid: NDArray[np.bool_], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of the pixels of each image (N, H, W) that `where` names whose height was not measured,
    (N,); 0 where it names none."""
    missing = (where & ~valid).sum(axis=(1, 2))
    shares: NDArray[np.float64] = missing / np.maximum(where.sum(axis=(1, 2)), 1)
    return shares


def near_holes(valid: NDArray[np.bool_], inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of images (N, H, W) whose height was not measured, and those within `NEAR_PX`."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * NEAR_PX + 1, 2 * NEAR_PX + 1))
    holes = (inside & ~valid).astype(np.uint8)
    return np.stack([cv2.dilate(image, disc) for image in holes]).astype(np.bool_)


def noise_levels(depth: NDArray[np.floating], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Deviation of the noise in each image of heights (N, H, W), (N,); 0 where too little was
    measured to tell.

    The median of the absolute Laplacian, which shapes and defects do not reach while they leave
    half of the image smooth (after Immerkaer, 1996, who takes the mean of a similar operator).
    """
    return np.array([_noise(x, seen) for x, seen in zip(depth, valid, strict=True)])


def _noise(depth: NDArray[np.floating], valid: NDArray[np.bool_]) -> float:
    height = depth.astype(np.float32)
    middle = np.s_[1:-1, 1:-1]
    around = (np.s_[:-2, 1:-1], np.s_[2:, 1:-1], np.s_[1:-1, :-2], np.s_[1:-1, 2:])
    laplacian = 4.0 * height[middle] - sum(height[place] for place in around)
    known = valid & (height > CLIP[0]) & (height < CLIP[1])  # a clipped table is not noiseless
    seen = np.logical_and.reduce([known[middle], *(known[place] for place in around)])
    if not seen.any():
        return 0.0
    of_unit_noise = math.sqrt(20.0) / 1.4826
    return float(np.median(np.abs(laplacian[seen]))) / of_unit_noise
