"""What camera and depth sensor make of a scene."""

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.datasets.synthetic.arrays import Field, Mask, blurred
from dcrdf.datasets.synthetic.camera import View
from dcrdf.datasets.synthetic.light import surface_normal

PROJECTOR_SLOPE = 0.2
"""Sideways run of the projector's rays per unit of height: it stands right of the camera."""

DEPTH_STEP_M = 2.0**-16
DEPTH_NOISE_MM = 0.016
GRAZING_UP = 0.24
SATURATED = 0.97
DARK = 0.012

_LEVELS = 4096
_SRGB = np.linspace(0.0, 1.0, _LEVELS)
_SRGB = np.where(_SRGB < 0.0031308, 12.92 * _SRGB, 1.055 * _SRGB ** (1 / 2.4) - 0.055)
_SRGB_8BIT = np.rint(255.0 * _SRGB).astype(np.uint8)


def photograph(radiance: Field, rng: np.random.Generator) -> NDArray[np.uint8]:
    """An 8-bit sRGB image (H, W, 3) of linear colours: exposure, white balance, lens blur,
    vignetting and noise vary a little."""
    gain = rng.normal(1.0, 0.035) * (1.0 + rng.normal(0.0, 0.012, 3))
    image = blurred(radiance, 0.62 + 0.06 * rng.random()) * gain.astype(np.float32)
    image *= _vignette(radiance.shape[0], 0.07 * rng.random())[..., None]
    grain = rng.standard_normal(image.shape, dtype=np.float32)
    image += grain * (np.float32(0.0025) + np.float32(0.009) * np.sqrt(np.maximum(image, 0.0)))
    steps = np.clip(image * (_LEVELS - 1) + 0.5, 0.0, _LEVELS - 1).astype(np.intp)
    return _SRGB_8BIT[steps]


def scan(view: View, height_mm: Field, radiance: Field, rng: np.random.Generator) -> Field:
    """Points (H, W, 3) in metres with noise that grows with the slope; missing ones are 0."""
    up = surface_normal(height_mm, view.pitch_mm)[2]
    steepness = np.minimum(1.0 / np.maximum(up, 0.05) - 1.0, 4.0)
    noise = rng.standard_normal(height_mm.shape, dtype=np.float32)
    noise += np.float32(0.8 / 0.19) * blurred(noise, 1.5)
    noisy_mm = height_mm + np.float32(DEPTH_NOISE_MM / 1.28) * noise * (1.0 + 1.5 * steepness)
    points_m = view.points_m(noisy_mm.astype(np.float32))
    points_m = np.round(points_m / np.float32(DEPTH_STEP_M)) * np.float32(DEPTH_STEP_M)
    points_m[_missing(height_mm, up, radiance, view.pitch_mm, rng)] = 0.0
    return points_m.astype(np.float32)


def _vignette(side_px: int, strength: float) -> Field:
    square = np.linspace(-1.0, 1.0, side_px, dtype=np.float32) ** 2
    return (1.0 - np.float32(0.5 * strength) * (square[None, :] + square[:, None])).astype(
        np.float32
    )


def _missing(
    height_mm: Field, up: Field, radiance: Field, pitch_mm: float, rng: np.random.Generator
) -> Mask:
    """Where the sensor finds nothing: hidden from the projector, grazing, glaring or too dark,
    and a few random specks."""
    shape = height_mm.shape
    luck = rng.random(shape, dtype=np.float32)
    luminance = radiance.mean(axis=2)
    missing = _hidden_from_projector(height_mm, pitch_mm)
    missing |= up < GRAZING_UP * (0.6 + 0.8 * luck)
    missing |= luminance > SATURATED + 0.25 * luck
    missing |= luminance < DARK * luck
    specks = np.zeros(shape, np.uint8)
    for row, column in rng.integers(0, shape, (rng.poisson(5.0), 2)).tolist():
        cv2.circle(specks, (column, row), int(rng.integers(0, 2)), 1, -1)
    return missing | (specks > 0)


def _hidden_from_projector(height_mm: Field, pitch_mm: float) -> Mask:
    """Behind something higher, seen from the projector: a running maximum along each row."""
    columns = np.arange(height_mm.shape[1], dtype=np.float32)
    rise_mm = columns * np.float32(pitch_mm / PROJECTOR_SLOPE)
    lifted = height_mm - rise_mm
    highest = np.maximum.accumulate(lifted[:, ::-1], axis=1)[:, ::-1]
    return highest > lifted + np.float32(0.15)
