"""A field: walls and pavements that fill the image, near and far, few places alike.

The restless one of the embedded parts: there is no part on a table, no usual distance, no usual
surface, and in millimetres the depth noise of far images drowns what near ones show.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dcrdf.datasets.synthetic.arrays import Colour, Field, Mask, mix, painted, smoothstep
from dcrdf.datasets.synthetic.noise import stretched_noise
from dcrdf.datasets.synthetic.part import Canvas, Part, Surface

THICKNESS = 0.1
"""Of the image's side: so deep can a defect go at most."""
PLASTERS: tuple[Colour, ...] = ((0.62, 0.60, 0.55), (0.58, 0.47, 0.28), (0.50, 0.34, 0.26))
CONCRETES: tuple[Colour, ...] = ((0.36, 0.36, 0.34), (0.45, 0.43, 0.38), (0.26, 0.27, 0.27))
ASPHALTS: tuple[Colour, ...] = ((0.10, 0.10, 0.105), (0.16, 0.155, 0.15))
BRICKS: tuple[Colour, ...] = ((0.36, 0.13, 0.08), (0.45, 0.25, 0.13), (0.30, 0.22, 0.18))
MORTAR: Colour = (0.42, 0.40, 0.36)
BRICK_MM = (215.0, 65.0)
SLABS_MM = (200.0, 400.0)

Finish = Callable[[Canvas, tuple[Field, Field], np.random.Generator], tuple[Field, Field]]
"""Draws a stretch of a surface: relief (H, W) in mm about 0, and reflectance (H, W, 3)."""


def field_at(place: np.random.Generator) -> Callable[[Canvas, np.random.Generator], Part]:
    """Draw a place: plaster, concrete, asphalt, brick or paving of its own, and how it is worn."""
    finish = FINISHES[int(place.integers(len(FINISHES)))](place)
    angle = place.uniform(0.0, 2.0 * np.pi)
    wear, sway = place.uniform(0.03, 0.12), place.uniform(0.3, 1.5)

    def build(canvas: Canvas, rng: np.random.Generator) -> Part:
        axes = canvas.posed(angle, (0.0, 0.0))
        relief_mm, albedo = finish(canvas, axes, rng)
        side_mm = canvas.pitch_mm * canvas.shape[0]
        sway_mm = 0.004 * side_mm * sway * canvas.noise(0.5 * side_mm, rng)
        height_mm = THICKNESS * side_mm + relief_mm + sway_mm
        cells_mm = (0.4 * side_mm, 0.12 * side_mm, 0.03 * side_mm)
        worn = (1.0 + wear * canvas.fractal(cells_mm, rng)) * _shadow(canvas, side_mm, rng)
        albedo = albedo * np.clip(worn, 0.2, 1.6)[..., None]
        flat = np.zeros(canvas.shape, np.float32)
        surface = Surface(height_mm.astype(np.float32), albedo.astype(np.float32), flat)
        return Part(
            canvas=canvas,
            surface=surface,
            table=surface.changed(height_mm=flat),
            inside_mm=np.full(canvas.shape, side_mm, np.float32),
            axes=axes,
            angle=angle,
            open_face=_away_from_rim(canvas.shape),
        )

    return build


def _plaster(place: np.random.Generator) -> Finish:
    colour = _toned(PLASTERS, place)
    trowelled, rough = 0.25 * place.uniform(0.2, 1.5), 0.12 * place.uniform(0.3, 2.0)

    def draw(
        canvas: Canvas, axes: tuple[Field, Field], rng: np.random.Generator
    ) -> tuple[Field, Field]:
        strokes = stretched_noise(axes[0] / 40.0, axes[1] / 5.0, rng)
        grain = canvas.fractal((3.0, 1.2, 0.6), rng)
        relief_mm = trowelled * strokes + rough * grain
        return relief_mm, _shaded(colour, 1.0 + 0.03 * strokes + 0.04 * grain)

    return draw


def _concrete(place: np.random.Generator) -> Finish:
    colour = _toned(CONCRETES, place)
    pore_mm, board_mm = place.uniform(3.0, 7.0), place.uniform(40.0, 120.0)

    def draw(
        canvas: Canvas, axes: tuple[Field, Field], rng: np.random.Generator
    ) -> tuple[Field, Field]:
        grain = canvas.fractal((9.0, 3.0, 1.0), rng)
        pores = smoothstep(2.0, 2.5, canvas.noise(pore_mm, rng))
        boards = stretched_noise(axes[0] / 400.0, axes[1] / board_mm, rng)
        relief_mm = 0.2 * grain + 0.4 * boards - 1.5 * pores
        return relief_mm, _shaded(colour, 1.0 + 0.06 * grain + 0.05 * boards - 0.4 * pores)

    return draw


def _asphalt(place: np.random.Generator) -> Finish:
    colour = _toned(ASPHALTS, place)
    size_mm = place.uniform(4.0, 9.0)

    def draw(
        canvas: Canvas, _axes: tuple[Field, Field], rng: np.random.Generator
    ) -> tuple[Field, Field]:
        stones = canvas.noise(size_mm, rng)
        grit = canvas.noise(0.4 * size_mm, rng)
        relief_mm = 0.8 * np.tanh(stones) + 0.3 * grit
        return relief_mm, _shaded(colour, 1.0 + 0.25 * stones + 0.2 * grit)

    return draw


def _brick(place: np.random.Generator) -> Finish:
    return _laid(place, BRICK_MM, 10.0, BRICKS)


def _paving(place: np.random.Generator) -> Finish:
    side_mm = place.uniform(*SLABS_MM)
    return _laid(place, (side_mm, side_mm), 5.0, CONCRETES)


FINISHES: tuple[Callable[[np.random.Generator], Finish], ...] = (
    _plaster,
    _concrete,
    _asphalt,
    _brick,
    _paving,
)


def _laid(
    place: np.random.Generator,
    size_mm: tuple[float, float],
    joint_mm: float,
    colours: tuple[Colour, ...],
) -> Finish:
    """Stones in running bond, each of its own height and tone, with joints of mortar."""
    colour, depth_mm = _toned(colours, place), place.uniform(2.0, 5.0)

    def draw(
        canvas: Canvas, axes: tuple[Field, Field], rng: np.random.Generator
    ) -> tuple[Field, Field]:
        along = axes[0] + rng.uniform(0.0, size_mm[0])
        across = axes[1] + rng.uniform(0.0, size_mm[1])
        row = np.floor(across / size_mm[1])
        along = along + 0.5 * size_mm[0] * (row % 2.0)
        column = np.floor(along / size_mm[0])
        in_row, in_column = across - row * size_mm[1], along - column * size_mm[0]
        sides = [in_row, size_mm[1] - in_row, in_column, size_mm[0] - in_column]
        to_joint = np.minimum.reduce(sides) + 0.8 * canvas.noise(8.0, rng)
        joint = smoothstep(0.5 * joint_mm + 1.0, 0.5 * joint_mm - 1.0, to_joint)
        own = rng.standard_normal((64, 64), dtype=np.float32)
        stone = own[row.astype(np.intp) % 64, column.astype(np.intp) % 64]
        grain = canvas.fractal((6.0, 2.0, 0.8), rng)
        relief_mm = 0.4 * stone + 0.25 * grain - depth_mm * joint
        mortar = painted(canvas.shape, MORTAR) * (1.0 + 0.08 * grain)[..., None]
        albedo = _shaded(colour, 1.0 + 0.10 * stone + 0.06 * grain)
        return relief_mm, mix(albedo, mortar.astype(np.float32), joint)

    return draw


def _toned(colours: tuple[Colour, ...], place: np.random.Generator) -> NDArray[np.float32]:
    """One of the colours, drawn a little lighter or darker (3,)."""
    colour = np.asarray(colours[int(place.integers(len(colours)))])
    colour = colour * place.normal(1.0, 0.12) * (1.0 + place.normal(0.0, 0.03, 3))
    return np.asarray(colour, np.float32)


def _shaded(colour: NDArray[np.float32], share: Field) -> Field:
    return (np.clip(share, 0.1, 2.0)[..., None] * colour).astype(np.float32)


def _shadow(canvas: Canvas, side_mm: float, rng: np.random.Generator) -> Field:
    """What stands between light and wall, in one image of three: a soft or sharp border."""
    if rng.uniform() > 0.33:
        return np.ones(canvas.shape, np.float32)
    soft, depth = np.exp(rng.uniform(np.log(0.1), 0.0)), rng.uniform(0.3, 0.6)
    covered = smoothstep(-soft, soft, canvas.noise(0.7 * side_mm, rng) - rng.uniform(0.0, 1.0))
    return (1.0 - np.float32(depth) * covered).astype(np.float32)


def _away_from_rim(shape: tuple[int, int]) -> Mask:
    places = np.zeros(shape, np.bool_)
    margin = shape[0] // 8
    places[margin:-margin, margin:-margin] = True
    return places
