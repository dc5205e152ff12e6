"""A fruit scone: round, crumbly, with raisins wherever they happen to be.

The hard one of the embedded parts: what is rare in a place is still sound, so a detector that
marks whatever it cannot predict ranks a cluster of raisins above a dent.
"""

import numpy as np

from dcrdf.datasets.synthetic.arrays import Colour, Field, mix, painted, shaded, smoothstep
from dcrdf.datasets.synthetic.part import Canvas, Part, Surface
from dcrdf.datasets.synthetic.shapes import rounded_edge
from dcrdf.datasets.synthetic.table import lay_table, put_on_table

TABLE: Colour = (0.30, 0.31, 0.27)
DOUGH: Colour = (0.66, 0.45, 0.21)
CRUST: Colour = (0.42, 0.20, 0.06)
RAISIN: Colour = (0.055, 0.028, 0.03)

RADIUS_MM = 31.0
THICKNESS_MM = 9.0
DOME_MM = 2.4
RAISINS = (7, 15)
RAISIN_LENGTH_MM = (2.0, 3.6)
RAISIN_WIDTH = (0.55, 0.9)
"""Width of a raisin over its length."""
RAISIN_RISE_MM = (0.3, 1.5)


def build_scone(canvas: Canvas, rng: np.random.Generator) -> Part:
    """Draw a scone: any turn, 2 mm of play, its own outline, crumb, toasting and raisins."""
    angle = rng.uniform(0.0, 2.0 * np.pi)
    p_mm, q_mm = canvas.posed(angle, tuple(rng.uniform(-2.0, 2.0, 2)))
    wobble = 0.7 * canvas.noise(16.0, rng) + 0.2 * canvas.noise(2.5, rng)
    radius_mm = RADIUS_MM * rng.normal(1.0, 0.015)
    from_middle_mm = np.hypot(p_mm, q_mm)
    inside_mm = (radius_mm - from_middle_mm + wobble).astype(np.float32)

    crumb = canvas.fractal((2.2, 1.0, 0.55), rng)
    slow = canvas.noise(15.0, rng)
    dome = 1.0 - np.minimum(from_middle_mm / radius_mm, 1.0) ** 2
    height_mm = THICKNESS_MM * rng.normal(1.0, 0.03) + DOME_MM * dome
    height_mm = height_mm + 0.16 * crumb + 0.22 * slow - rounded_edge(inside_mm, 4.0)
    rim = smoothstep(7.0, 0.5, inside_mm)
    toasting = 0.30 * rim + 0.13 * slow + 0.10 * crumb + rng.normal(0.35, 0.06)
    albedo = shaded(DOUGH, CRUST, np.clip(toasting, 0.0, 1.1).astype(np.float32))
    albedo *= (1.0 + 0.06 * canvas.noise(0.45, rng))[..., None]

    baked = Surface(height_mm.astype(np.float32), albedo, np.full(canvas.shape, 0.03, np.float32))
    for _ in range(int(rng.integers(*RAISINS, endpoint=True))):
        baked = _with_raisin(baked, canvas, (p_mm, q_mm), rng)
    table = lay_table(canvas, TABLE, rng)
    return Part(
        canvas=canvas,
        surface=put_on_table(table, baked, inside_mm, canvas.pitch_mm),
        table=table,
        inside_mm=inside_mm,
        axes=(p_mm, q_mm),
        angle=angle,
        open_face=inside_mm > 6.0,
    )


def _with_raisin(
    baked: Surface, canvas: Canvas, axes: tuple[Field, Field], rng: np.random.Generator
) -> Surface:
    """One more raisin, half sunk into the dough or lying on it; raisins may touch."""
    away = (RADIUS_MM - 4.0) * np.sqrt(rng.uniform()), rng.uniform(0.0, 2.0 * np.pi)
    p_mm, q_mm = axes[0] - away[0] * np.cos(away[1]), axes[1] - away[0] * np.sin(away[1])
    turn = rng.uniform(0.0, np.pi)
    length_mm = rng.uniform(*RAISIN_LENGTH_MM)
    width_mm = length_mm * rng.uniform(*RAISIN_WIDTH)
    along = (np.cos(turn) * p_mm + np.sin(turn) * q_mm) / length_mm
    across = (np.cos(turn) * q_mm - np.sin(turn) * p_mm) / width_mm
    wrinkles = 0.10 * canvas.noise(0.9, rng)
    inward = (1.0 - np.hypot(along, across) + wrinkles).astype(np.float32)
    swell = np.sqrt(np.clip(inward, 0.0, 1.0))
    cover = smoothstep(0.02, 0.22, inward)
    height_mm = baked.height_mm + np.float32(rng.uniform(*RAISIN_RISE_MM)) * swell
    skin = painted(canvas.shape, RAISIN) * np.float32(rng.normal(1.0, 0.15))
    return baked.changed(
        height_mm=height_mm.astype(np.float32),
        albedo=mix(baked.albedo, skin.astype(np.float32), cover),
        gloss=mix(baked.gloss, np.full(canvas.shape, 0.12, np.float32), cover),
    )
