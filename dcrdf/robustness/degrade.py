"""Raw scans made worse, as bad sensors and bad light make them: for asking what a detector is still
worth (docs/robustness.md). Only what a degradation names is changed; everything random comes from
the generator that is passed."""

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import Degradation
from dcrdf.datasets.sample import Scan
from dcrdf.modalities import DEPTH, RGB, Modality
from dcrdf.preparation.cloud import valid_points

Mask = NDArray[np.bool_]
Points = NDArray[np.float32]
Colour = NDArray[np.uint8]

HOLE_SHARES: Mapping[str, float] = {
    "depth_holes_10": 0.10,
    "depth_holes_30": 0.30,
    "depth_holes_60": 0.60,
}
"""Share of the part's measured points that go missing."""
NOISE_SHARES: Mapping[str, float] = {"depth_noise_5": 0.05, "depth_noise_20": 0.20}
"""Deviation of the noise, as a share of the training parts' height span."""
ABSENT: Mapping[str, Modality] = {"depth_absent": DEPTH, "rgb_absent": RGB}
"""The modality that is left out altogether."""

BLOB_SIGMA_SHARE = 0.04
"""Width of the smooth field whose hills become holes, as a share of the shorter image side."""
EXPOSURE_GAIN = 2.5
"""Grey values times this, cut at 255."""
BLUR_SIGMA_SHARE = 0.02
"""Width of the colour blur, as a share of the shorter image side."""


def degrade(
    scan: Scan,
    degradation: Degradation,
    part: Mask,
    span_m: float,
    generator: np.random.Generator,
) -> Scan:
    """The scan made worse; for the `ABSENT` ones it is the same, and the caller leaves them out.

    `part` (H, W) is what is inspected, `span_m` the height span that the noise is measured by.
    """
    if degradation in HOLE_SHARES:
        return replace(scan, xyz=punch_holes(scan.xyz, part, HOLE_SHARES[degradation], generator))
    if degradation in NOISE_SHARES:
        sigma_m = NOISE_SHARES[degradation] * span_m
        return replace(scan, xyz=add_depth_noise(scan.xyz, sigma_m, generator))
    if degradation == "rgb_overexposed":
        return replace(scan, rgb=overexpose(scan.rgb, EXPOSURE_GAIN))
    if degradation == "rgb_blurred":
        return replace(scan, rgb=blur(scan.rgb, BLUR_SIGMA_SHARE))
    return scan


def punch_holes(xyz_m: Points, part: Mask, share: float, generator: np.random.Generator) -> Points:
    """Blobs of `part` go missing, (0, 0, 0): `share` of its measured points, to the point.

    With the same generator's state a larger share holds the holes of a smaller one.
    """
    noise = generator.standard_normal(part.shape).astype(np.float32)
    hills = cv2.GaussianBlur(noise, (0, 0), BLOB_SIGMA_SHARE * min(part.shape))
    candidates = np.flatnonzero(part & valid_points(xyz_m))
    order = np.argsort(-hills.ravel()[candidates], kind="stable")
    gone = candidates[order[: round(share * candidates.size)]]
    holed = xyz_m.copy()
    holed.reshape(-1, 3)[gone] = 0.0
    return holed


def add_depth_noise(xyz_m: Points, sigma_m: float, generator: np.random.Generator) -> Points:
    """White Gaussian noise on the distance z of every measured point."""
    noise_m = generator.normal(0.0, sigma_m, xyz_m.shape[:2]).astype(np.float32)
    noisy = xyz_m.copy()
    noisy[..., 2] += np.where(valid_points(xyz_m), noise_m, np.float32(0.0))
    return noisy


def overexpose(rgb: Colour, gain: float) -> Colour:
    """Grey values times `gain`, cut at 255: what is bright loses all structure."""
    return np.minimum(np.rint(rgb.astype(np.float32) * gain), 255.0).astype(np.uint8)


def blur(rgb: Colour, sigma_share: float) -> Colour:
    """A Gaussian blur, `sigma_share` of the shorter side wide: out of focus."""
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma_share * min(rgb.shape[:2])), np.uint8)


def kind_of(degradation: str) -> str:
    """The degradation without its level: levels of one kind share their random numbers."""
    return degradation.rstrip("0123456789").rstrip("_")
