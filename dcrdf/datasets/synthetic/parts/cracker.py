"""A baked cracker: square with a scalloped rim, puffed between rows of docking holes."""

import numpy as np

from dcrdf.datasets.synthetic.arrays import Colour, Field, shaded, smoothstep
from dcrdf.datasets.synthetic.part import Canvas, Part, Surface
from dcrdf.datasets.synthetic.shapes import inside_rounded_box, rounded_edge
from dcrdf.datasets.synthetic.table import lay_table, put_on_table

TABLE: Colour = (0.13, 0.17, 0.21)
PALE: Colour = (0.62, 0.40, 0.18)
TOASTED: Colour = (0.36, 0.155, 0.045)

HALF_SIDE_MM = 28.5
THICKNESS_MM = 5.0
HOLE_PITCH_MM = 10.4
HOLE_RADIUS_MM = 0.75
SCALLOP_MM = 4.75


def build_cracker(canvas: Canvas, rng: np.random.Generator) -> Part:
    """Draw a cracker: any turn, 2 mm of play, its own rim, crumb and toasting."""
    angle = rng.uniform(0.0, 2.0 * np.pi)
    p_mm, q_mm = canvas.posed(angle, tuple(rng.uniform(-2.0, 2.0, 2)))
    inside_mm = _outline(canvas, p_mm, q_mm, rng)
    hole_mm = _distance_to_hole(canvas, p_mm, q_mm, rng)
    crumb = canvas.fractal((2.4, 1.1, 0.6), rng)
    puff = _puff(p_mm, q_mm)
    slow = canvas.noise(17.0, rng)

    height_mm = THICKNESS_MM * rng.normal(1.0, 0.03) + _bow(p_mm, q_mm, rng)
    height_mm = height_mm + 0.55 * puff + 0.09 * crumb + 0.10 * slow
    height_mm -= rounded_edge(inside_mm, 2.6)
    height_mm -= 0.5 * np.exp(-((hole_mm / 1.7) ** 2))
    height_mm -= 2.2 * smoothstep(HOLE_RADIUS_MM + 0.25, HOLE_RADIUS_MM - 0.25, hole_mm)

    rim = smoothstep(4.5, 0.3, inside_mm)
    toasting = 0.34 * puff + 0.42 * rim + 0.09 * slow + 0.07 * crumb + rng.normal(0.24, 0.05)
    albedo = shaded(PALE, TOASTED, np.clip(toasting, 0.0, 1.1).astype(np.float32))
    albedo *= (1.0 + 0.05 * canvas.noise(0.45, rng))[..., None]
    albedo *= (1.0 - 0.75 * smoothstep(HOLE_RADIUS_MM + 0.2, 0.2, hole_mm))[..., None]

    table = lay_table(canvas, TABLE, rng)
    baked = Surface(height_mm.astype(np.float32), albedo, np.full(canvas.shape, 0.035, np.float32))
    return Part(
        canvas=canvas,
        surface=put_on_table(table, baked, inside_mm, canvas.pitch_mm),
        table=table,
        inside_mm=inside_mm,
        axes=(p_mm, q_mm),
        angle=angle,
        open_face=inside_mm > 6.0,
    )


def _outline(canvas: Canvas, p_mm: Field, q_mm: Field, rng: np.random.Generator) -> Field:
    along = np.where(np.abs(p_mm) > np.abs(q_mm), q_mm, p_mm)
    scallops = 0.45 * np.cos(2.0 * np.pi * along / SCALLOP_MM)
    wobble = 0.35 * canvas.noise(12.0, rng) + 0.08 * canvas.noise(1.6, rng)
    side_mm = HALF_SIDE_MM * rng.normal(1.0, 0.01)
    plain = inside_rounded_box(p_mm, q_mm, side_mm, 5.5)
    return (plain + scallops + wobble).astype(np.float32)


def _distance_to_hole(canvas: Canvas, p_mm: Field, q_mm: Field, rng: np.random.Generator) -> Field:
    """Distance to the nearest of 5 x 5 docking holes, each a little out of its place."""
    to_rows = []
    for axis_mm in (p_mm, q_mm):
        place = axis_mm + 0.25 * canvas.noise(11.0, rng)
        row = np.clip(np.round(place / HOLE_PITCH_MM), -2.0, 2.0)
        to_rows.append(place - row * HOLE_PITCH_MM)
    return np.hypot(to_rows[0], to_rows[1]).astype(np.float32)


def _puff(p_mm: Field, q_mm: Field) -> Field:
    """The cushions between the holes, 0 at a hole and 1 half-way between four."""
    waves = [np.sin(np.pi * axis_mm / HOLE_PITCH_MM) ** 2 for axis_mm in (p_mm, q_mm)]
    return (0.5 * (waves[0] + waves[1])).astype(np.float32)


def _bow(p_mm: Field, q_mm: Field, rng: np.random.Generator) -> Field:
    """The slight bend that baking leaves, up to some tenths of a millimetre."""
    bend_p, bend_q, twist = rng.normal(0.0, 0.15, 3).tolist()
    p_share, q_share = p_mm / HALF_SIDE_MM, q_mm / HALF_SIDE_MM
    bow = bend_p * p_share**2 + bend_q * q_share**2 + twist * p_share * q_share
    return np.asarray(bow, np.float32)
