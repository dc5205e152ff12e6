"""A structured-light camera that is carried along walls and pavements, by day and by night.

Its depth comes from disparity: noise and steps are even in 1 / z, so that in millimetres both grow
with the square of the distance (Khoshelham and Elberink, Sensors 2012: a step of 2.85 mm at 1 m).
"""

import numpy as np

from dcrdf.datasets.synthetic.arrays import Field, Mask, blurred
from dcrdf.datasets.synthetic.camera import View
from dcrdf.datasets.synthetic.light import Lighting, direction
from dcrdf.datasets.synthetic.rig import Rig

FOCAL_PER_SIDE = 3.0
DISTANCE_MM = (300.0, 2300.0)
TILT_DEG = (9.0, 6.0)
"""Deviation of how obliquely a surface is seen, about both axes."""
NIGHT_SHARE = 0.4
STEP_PER_M = 2.85e-3
"""Of 1 / z: an eighth of a pixel of disparity."""
NOISE_STEPS = 0.3
OUTSHONE = 1.2
"""Linear brightness of a surface, of a white one's in a usual light."""
SEEN_OVER = 0.0035
"""The matching window smooths depth over this share of the image's side."""


def draw_walking_view(size_px: int, rng: np.random.Generator) -> View:
    """Any distance from 0.3 to 2.3 m, near ones as often as far ones by ratio; a little oblique."""
    distance_mm = float(np.exp(rng.uniform(*np.log(DISTANCE_MM))))
    tilt_x, tilt_y = np.deg2rad(np.clip(rng.normal(0.0, TILT_DEG, 2), -25.0, 25.0))
    normal = np.array([np.tan(tilt_x), np.tan(tilt_y), -1.0])
    n_x, n_y, n_z = (normal / np.linalg.norm(normal)).tolist()
    return View(size_px, distance_mm, (n_x, n_y, n_z), FOCAL_PER_SIDE)


def draw_day_or_night(rng: np.random.Generator) -> Lighting:
    """Sun or overcast sky from any side, or a weak lamp: images from bright to almost black."""
    azimuth = rng.uniform(0.0, 2.0 * np.pi)
    if rng.uniform() < NIGHT_SHARE:
        strength = float(np.exp(rng.uniform(*np.log((0.05, 0.3)))))
        key, fill, ambient = 0.9, 0.15, 0.15
        elevation = rng.uniform(45.0, 80.0)
    else:
        strength = rng.uniform(0.75, 1.15)
        key, fill, ambient = rng.uniform(0.3, 0.9), 0.2, 0.35
        elevation = rng.uniform(30.0, 75.0)
    return Lighting(
        key=direction(azimuth, np.deg2rad(elevation)),
        fill=direction(azimuth + np.pi + rng.normal(0.0, 0.5), np.deg2rad(50.0)),
        key_strength=strength * key,
        fill_strength=strength * fill,
        ambient_strength=strength * ambient,
    )


def scan_by_disparity(
    view: View, height_mm: Field, radiance: Field, rng: np.random.Generator
) -> Field:
    """Points (H, W, 3) in metres: 1 / z smoothed, noisy and in whole steps; missing ones are 0."""
    sigma_px = SEEN_OVER * view.size_px
    points_m = view.points_m(blurred(height_mm, sigma_px))
    nearness = 1.0 / points_m[..., 2]
    noise = rng.standard_normal(height_mm.shape, dtype=np.float32)
    grain = blurred(rng.standard_normal(height_mm.shape, dtype=np.float32), 2.0 * sigma_px)
    noise = noise + grain / np.float32(max(grain.std(), 1e-6))
    steps = nearness / STEP_PER_M + np.float32(NOISE_STEPS / np.sqrt(2.0)) * noise
    z_m = 1.0 / (np.float32(STEP_PER_M) * np.maximum(np.round(steps), 1.0))
    points_m = points_m * (z_m / points_m[..., 2])[..., None]
    points_m[_lost(radiance, rng)] = 0.0
    return points_m.astype(np.float32)


def _lost(radiance: Field, rng: np.random.Generator) -> Mask:
    """A few patches in which no pattern was matched, and where the sun outshines it."""
    shape = radiance.shape[:2]
    rough = blurred(rng.standard_normal(shape, dtype=np.float32), 0.01 * shape[0])
    lost = (rough > 3.0 * rough.std()) | (radiance.mean(axis=2) > OUTSHONE)
    return np.asarray(lost, np.bool_)


WALKING_RIG = Rig(
    draw_walking_view, draw_day_or_night, scan_by_disparity, FOCAL_PER_SIDE, DISTANCE_MM
)
