"""A turned wooden handle: waisted, two burnt rings, one end dipped in lacquer."""

import numpy as np

from dcrdf.datasets.synthetic.arrays import Colour, Field, mix, painted, shaded, smoothstep
from dcrdf.datasets.synthetic.noise import stretched_noise
from dcrdf.datasets.synthetic.part import Canvas, Part, Surface
from dcrdf.datasets.synthetic.table import lay_table, put_on_table

TABLE: Colour = (0.36, 0.37, 0.38)
EARLY_WOOD: Colour = (0.63, 0.41, 0.21)
LATE_WOOD: Colour = (0.43, 0.235, 0.10)
LACQUER: Colour = (0.035, 0.13, 0.30)

HALF_LENGTH_MM = 37.0
AXIS_MM = 9.6
DIP_MM = 22.0
RINGS_MM = (11.0, 14.5)


def build_handle(canvas: Canvas, rng: np.random.Generator) -> Part:
    """Draw a handle: up to 25 degrees of turn, 2 mm of play, its own grain and tone."""
    angle = rng.uniform(-0.44, 0.44)
    t_mm, s_mm = canvas.posed(angle, tuple(rng.uniform(-2.0, 2.0, 2)))
    radius_mm = _radius(t_mm, rng)
    inside_mm = np.minimum(radius_mm - np.abs(s_mm), HALF_LENGTH_MM - np.abs(t_mm))
    inside_mm = inside_mm.astype(np.float32)
    across_sq = np.maximum(radius_mm**2 - s_mm**2, 0.0)
    height_mm = AXIS_MM + np.sqrt(across_sq) - 2.0 * smoothstep(1.8, 0.0, _to_end(t_mm))

    table = lay_table(canvas, TABLE, rng)
    wood = Surface(
        height_mm=height_mm.astype(np.float32),
        albedo=_colour(canvas, t_mm, s_mm, radius_mm, rng),
        gloss=(0.10 + 0.22 * smoothstep(DIP_MM - 0.2, DIP_MM + 0.2, t_mm)).astype(np.float32),
        shininess=28.0,
    )
    return Part(
        canvas=canvas,
        surface=put_on_table(table, wood, inside_mm, canvas.pitch_mm),
        table=table,
        inside_mm=inside_mm,
        axes=(t_mm, s_mm),
        angle=angle,
        open_face=(np.abs(s_mm) < 0.55 * radius_mm) & (_to_end(t_mm) > 4.0),
    )


def _to_end(t_mm: Field) -> Field:
    return np.maximum(HALF_LENGTH_MM - np.abs(t_mm), 0.0)


def _radius(t_mm: Field, rng: np.random.Generator) -> Field:
    """Radius along the axis: waist, swell, two ring grooves, rounded ends."""
    swell = 7.9 + 1.1 * np.cos(2.0 * np.pi * (t_mm + 9.0) / 46.0) + rng.normal(0.0, 0.08)
    for ring_mm in RINGS_MM:
        swell = swell - 0.5 * np.exp(-(((t_mm - ring_mm) / 0.7) ** 2))
    end = np.clip(1.0 - _to_end(t_mm) / 5.0, 0.0, 1.0)
    return (swell * (1.0 - 0.32 * end**2.5)).astype(np.float32)


def _colour(
    canvas: Canvas, t_mm: Field, s_mm: Field, radius_mm: Field, rng: np.random.Generator
) -> Field:
    """Grain along the axis, burnt rings, lacquer on the last third."""
    around_mm = radius_mm * np.arcsin(np.clip(s_mm / np.maximum(radius_mm, 1.0), -1.0, 1.0))
    bands = stretched_noise(t_mm / 60.0, around_mm / 2.2, rng)
    fibres = stretched_noise(t_mm / 7.0, around_mm / 0.5, rng)
    late = np.clip(0.32 + 0.20 * bands + 0.10 * fibres + rng.normal(0.0, 0.04), 0.0, 1.0)
    wood = shaded(EARLY_WOOD, LATE_WOOD, late.astype(np.float32))
    for ring_mm in RINGS_MM:
        burnt = np.exp(-(((t_mm - ring_mm) / 0.75) ** 2)).astype(np.float32)
        wood *= (1.0 - 0.72 * burnt)[..., None]
    lacquer = painted(canvas.shape, LACQUER) * (1.0 + 0.04 * fibres)[..., None]
    lacquer = lacquer.astype(np.float32) * np.float32(rng.normal(1.0, 0.05))
    return mix(wood, lacquer, smoothstep(DIP_MM - 0.15, DIP_MM + 0.15, t_mm))
