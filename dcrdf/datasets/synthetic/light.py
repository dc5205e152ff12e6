"""Shading: key and fill light, highlights, cast shadow and ambient occlusion."""

from dataclasses import dataclass

import cv2
import numpy as np

from dcrdf.datasets.synthetic.arrays import Field, blurred
from dcrdf.datasets.synthetic.camera import DISTANCE_MM
from dcrdf.datasets.synthetic.part import Canvas, Surface

Direction = tuple[float, float, float]
"""Unit vector towards the light: right, down and up, seen from the table."""

SHADOW_SIDE_PX = 160
SHADOW_STEPS = 22
STREAK_SHARPNESS = 38.0
EDGE_BLUR_PX = 0.7
WALL_SLOPE = 3.0


@dataclass(frozen=True)
class Lighting:
    """The lights of one image; strengths are relative to a white, level surface."""

    key: Direction
    fill: Direction
    key_strength: float
    fill_strength: float
    ambient_strength: float


def draw_lighting(rng: np.random.Generator) -> Lighting:
    """A key light from the upper left and a weak fill from the other side, with some play."""
    azimuth = np.deg2rad(-128.0 + rng.normal(0.0, 10.0))
    return Lighting(
        key=direction(azimuth, np.deg2rad(52.0 + rng.normal(0.0, 3.0))),
        fill=direction(azimuth + np.pi + rng.normal(0.0, 0.25), np.deg2rad(40.0)),
        key_strength=0.92 * rng.normal(1.0, 0.04),
        fill_strength=0.20 * rng.normal(1.0, 0.10),
        ambient_strength=0.27 * rng.normal(1.0, 0.06),
    )


def shade(canvas: Canvas, surface: Surface, lighting: Lighting) -> Field:
    """Linear colour (H, W, 3) that a camera straight above sees: Lambert and Blinn-Phong, and
    for turned metal the streaks of Kajiya's and Kay's model."""
    softened_mm = blurred(surface.height_mm, EDGE_BLUR_PX)
    normal = _normal_without_walls(softened_mm, canvas.pitch_mm)
    shadow, openness = _shadow_and_openness(surface.height_mm, canvas.pitch_mm, lighting.key)
    key = lighting.key_strength * shadow * _towards(normal, lighting.key)
    fill = lighting.fill_strength * openness * _towards(normal, lighting.fill)
    ambient = lighting.ambient_strength * openness * (0.5 + 0.5 * normal[2])
    shine = _shine(canvas, surface, normal, lighting.key) * lighting.key_strength * shadow
    shine += 0.25 * openness * _shine(canvas, surface, normal, lighting.fill)
    colour = surface.albedo * (key + fill + ambient)[..., None] + shine[..., None]
    return colour.astype(np.float32)


def surface_normal(height_mm: Field, pitch_mm: float) -> tuple[Field, Field, Field]:
    """Unit normal of a height field: its parts to the right, down and up, each (H, W)."""
    slope_u, slope_v = _slopes(height_mm, pitch_mm)
    return _unit_normal(slope_u, slope_v)


def _normal_without_walls(height_mm: Field, pitch_mm: float) -> tuple[Field, Field, Field]:
    """Unit normals; a vertical wall, of which a camera above sees nothing, counts as flat (its
    stair of pixels would have normals of any direction)."""
    slope_u, slope_v = _slopes(height_mm, pitch_mm)
    kept = 1.0 / (1.0 + (slope_u**2 + slope_v**2) / np.float32(WALL_SLOPE**2))
    return _unit_normal(slope_u * kept, slope_v * kept)


def _slopes(height_mm: Field, pitch_mm: float) -> tuple[Field, Field]:
    scale = 1.0 / (32.0 * pitch_mm)
    slope_u = cv2.Scharr(height_mm, cv2.CV_32F, 1, 0, scale=scale)
    slope_v = cv2.Scharr(height_mm, cv2.CV_32F, 0, 1, scale=scale)
    return np.asarray(slope_u, np.float32), np.asarray(slope_v, np.float32)


def _unit_normal(slope_u: Field, slope_v: Field) -> tuple[Field, Field, Field]:
    up = 1.0 / np.sqrt(1.0 + slope_u**2 + slope_v**2)
    return -slope_u * up, -slope_v * up, up


def direction(azimuth: float, elevation: float) -> Direction:
    """The unit vector towards a light; azimuth from right to down, elevation above the table, in
    radians."""
    level = np.cos(elevation)
    right, down = level * np.cos(azimuth), level * np.sin(azimuth)
    return float(right), float(down), float(np.sin(elevation))


def _towards(normal: tuple[Field, Field, Field], light: Direction) -> Field:
    facing = normal[0] * light[0] + normal[1] * light[1] + normal[2] * light[2]
    return np.maximum(facing, 0.0).astype(np.float32)


def _shine(
    canvas: Canvas, surface: Surface, normal: tuple[Field, Field, Field], light: Direction
) -> Field:
    """Highlight strength (H, W) of one light."""
    half_u = light[0] - canvas.u_mm / np.float32(DISTANCE_MM)
    half_v = light[1] - canvas.v_mm / np.float32(DISTANCE_MM)
    half_up = np.float32(light[2] + 1.0)
    length = np.sqrt(half_u**2 + half_v**2 + half_up**2)
    facing = (normal[0] * half_u + normal[1] * half_v + normal[2] * half_up) / length
    shine = surface.gloss * np.maximum(facing, 0.0) ** np.float32(surface.shininess)
    if surface.turned is not None and surface.tangent is not None:
        tangent_u, tangent_v = surface.tangent
        aside = (tangent_u * half_u + tangent_v * half_v) / length
        shine += surface.turned * np.exp(-STREAK_SHARPNESS * aside**2) * normal[2]
    return shine.astype(np.float32)


def _shadow_and_openness(
    height_mm: Field, pitch_mm: float, light: Direction
) -> tuple[Field, Field]:
    """How much of the key light (0 to 1) and of the sky arrives, worked out on a small raster."""
    rows, columns = height_mm.shape
    side = min(rows, SHADOW_SIDE_PX)
    small = np.asarray(
        cv2.resize(height_mm, (side, side), interpolation=cv2.INTER_AREA), np.float32
    )
    small_pitch_mm = pitch_mm * rows / side
    shadow = 1.0 - _soft_shadow(small, small_pitch_mm, light)
    hidden = np.zeros_like(small)
    for reach_mm, weight in ((1.4, 0.35), (5.0, 0.09)):
        around = blurred(small, reach_mm / small_pitch_mm)
        hidden += np.float32(weight) * np.clip(around - small, 0.0, 2.5)
    both = np.dstack([shadow, np.exp(-blurred(hidden, 1.0))]).astype(np.float32)
    grown = cv2.resize(both, (columns, rows), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    return grown[..., 0], grown[..., 1]


def _soft_shadow(height_mm: Field, pitch_mm: float, light: Direction) -> Field:
    """Share of the light that something between here and the light takes away."""
    level = float(np.hypot(light[0], light[1]))
    reach_mm = float(height_mm.max()) * level / light[2]
    darkest = np.zeros_like(height_mm)
    for step in range(1, SHADOW_STEPS + 1):
        distance_mm = reach_mm * step / SHADOW_STEPS
        shift = -distance_mm / (level * pitch_mm) * np.array(light[:2])
        move = np.array([[1.0, 0.0, shift[0]], [0.0, 1.0, shift[1]]])
        size = (height_mm.shape[1], height_mm.shape[0])
        towards_mm = cv2.warpAffine(height_mm, move, size, flags=cv2.INTER_LINEAR)
        above_mm = towards_mm - (height_mm + np.float32(distance_mm * light[2] / level))
        np.maximum(darkest, above_mm / np.float32(0.4 + 0.22 * distance_mm), out=darkest)
    return blurred(np.minimum(darkest, 1.0), 0.8)
