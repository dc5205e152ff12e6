"""The ways in which a part can be spoilt; each takes a sound part and returns its new surface.

A `Defect` is called with the part, a severity from 0 (small and faint) to 1 (large and plain) and
a generator. Sizes are in mm. Colours are linear reflectances.
"""

import math
from collections.abc import Callable

import cv2
import numpy as np

from dcrdf.datasets.synthetic.arrays import (
    Colour,
    Field,
    Mask,
    between,
    blurred,
    mix,
    painted,
    smoothstep,
)
from dcrdf.datasets.synthetic.part import Part, Surface
from dcrdf.datasets.synthetic.shapes import distance_to_path, wandering_path

LEAST_LEFT_MM = 0.2

Range = tuple[float, float]
Defect = Callable[[Part, float, np.random.Generator], Surface]


def stain(
    part: Part,
    severity: float,
    rng: np.random.Generator,
    *,
    radius_mm: Range,
    colour: Colour,
    strength: Range,
    gloss_left: float = 1.0,
) -> Surface:
    """Colour only: a blot with an uneven outline and a mottled inside."""
    u_mm, v_mm = around(part, part.open_face, rng)
    size_mm = _sized(radius_mm, severity, rng)
    ragged = 0.20 * part.canvas.noise(size_mm, rng) + 0.05 * part.canvas.noise(1.3, rng)
    blot = smoothstep(0.0, 0.35, 1.0 - np.hypot(u_mm, v_mm) / size_mm + ragged)
    blot *= smoothstep(-0.3, 0.3, part.inside_mm)
    mottle = np.clip(1.0 + 0.15 * part.canvas.noise(1.5, rng), 0.0, 1.15)
    cover = (blot * between(*strength, severity) * mottle).astype(np.float32)
    surface = part.surface
    turned = surface.turned
    dulling = 1.0 - (1.0 - gloss_left) * cover
    return surface.changed(
        albedo=mix(surface.albedo, painted(cover.shape, colour), cover),
        gloss=surface.gloss * dulling,
        turned=None if turned is None else turned * dulling,
    )


def bulge(
    part: Part,
    severity: float,
    rng: np.random.Generator,
    *,
    radius_mm: Range,
    height_mm: Range,
    elongation: float = 1.25,
) -> Surface:
    """Depth only: a smooth bump, or with a negative height a dent; the colour stays."""
    u_mm, v_mm = around(part, part.open_face, rng)
    size_mm = _sized(radius_mm, severity, rng)
    turn = part.angle + (rng.normal(0.0, 0.2) if elongation > 1.4 else rng.uniform(0.0, np.pi))
    cosine, sine = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    along = (cosine * u_mm + sine * v_mm) / elongation
    across = (cosine * v_mm - sine * u_mm) * math.sqrt(elongation)
    ragged = 0.10 * part.canvas.noise(1.5 * size_mm, rng)
    hill = smoothstep(0.0, 1.0, 1.0 - np.hypot(along, across) / size_mm + ragged)
    hill *= part.inside_mm > 0.0
    surface = part.surface
    raised_mm = surface.height_mm + np.float32(between(*height_mm, severity)) * hill
    return surface.changed(height_mm=_above_table(raised_mm, surface))


def groove(
    part: Part,
    severity: float,
    rng: np.random.Generator,
    *,
    length_mm: Range,
    width_mm: Range,
    depth_mm: Range,
    colour: Colour,
    strength: float = 0.85,
    wander: float = 0.35,
    burr_mm: float = 0.0,
    turn: Callable[[Part, np.random.Generator], float] | None = None,
) -> Surface:
    """Both: a thin crack or scratch, deepest and widest in its middle, with an own colour and
    perhaps a raised burr beside it."""
    angle = rng.uniform(0.0, np.pi) if turn is None else turn(part, rng)
    path_mm = wandering_path(
        _place(part, _pick(part.open_face, rng)),
        angle,
        _sized(length_mm, severity, rng),
        rng,
        wander=wander,
    )
    ragged = 0.12 * part.canvas.noise(0.9, rng)
    away_mm, share = distance_to_path(part.canvas.u_mm, part.canvas.v_mm, path_mm)
    taper = np.sqrt(np.clip(1.0 - (2.0 * share - 1.0) ** 4, 0.05, 1.0))
    half_mm = 0.5 * between(*width_mm, severity) * taper * (1.0 + ragged)
    profile = smoothstep(1.25, 0.55, away_mm / half_mm) * (part.inside_mm > 0.0)
    burr = np.exp(-(((away_mm - 1.5 * half_mm) / 0.3) ** 2)) * (part.inside_mm > 0.3)
    surface = part.surface
    height_mm = surface.height_mm - between(*depth_mm, severity) * taper * profile + burr_mm * burr
    cover = (strength * profile).astype(np.float32)
    return surface.changed(
        height_mm=_above_table(height_mm, surface),
        albedo=mix(surface.albedo, painted(cover.shape, colour), cover),
    )


def bite(
    part: Part,
    severity: float,
    rng: np.random.Generator,
    *,
    radius_mm: Range,
    floor_mm: float,
    slope: float,
    colour: Colour,
    strength: float = 0.8,
) -> Surface:
    """Both: a piece broken off at the outline, down to `floor_mm` and with a fracture face of the
    given slope; with a floor of 0 the table shows."""
    u_mm, v_mm = around(part, _outer_rim(part), rng)
    size_mm = _sized(radius_mm, severity, rng)
    ragged = 0.16 * part.canvas.noise(0.8 * size_mm, rng) + 0.07 * part.canvas.noise(1.0, rng)
    outside_mm = np.hypot(u_mm, v_mm) - size_mm * (1.0 + ragged)
    rough_mm = 0.18 * part.canvas.fractal((1.6, 0.7), rng)
    fracture_mm = floor_mm + slope * np.maximum(outside_mm, 0.0) + rough_mm
    surface, table = part.surface, part.table
    is_part = part.inside_mm > 0.0
    gone = (outside_mm < 0.0) & is_part & (floor_mm <= 0.0)
    broken = (fracture_mm < surface.height_mm) & is_part & ~gone
    height_mm = np.where(broken, _above_table(fracture_mm, surface), surface.height_mm)
    cover = (strength * _softened(broken)).astype(np.float32)
    albedo = mix(surface.albedo, painted(cover.shape, colour), cover * is_part)
    bare = _softened(gone)
    dull = 1.0 - np.maximum(bare, 0.8 * _softened(broken))
    return surface.changed(
        height_mm=np.where(gone, table.height_mm, height_mm).astype(np.float32),
        albedo=mix(albedo, table.albedo, bare),
        gloss=surface.gloss * dull,
        turned=None if surface.turned is None else surface.turned * dull,
    )


def strand(
    part: Part,
    severity: float,
    rng: np.random.Generator,
    *,
    length_mm: Range,
    width_mm: Range,
    colours: tuple[Colour, ...],
    wander: float = 0.45,
    gloss: float = 0.1,
) -> Surface:
    """Both: a foreign thread, hair or curl of metal that lies on the part."""
    path_mm = wandering_path(
        _place(part, _pick(part.open_face, rng)),
        rng.uniform(0.0, np.pi),
        _sized(length_mm, severity, rng),
        rng,
        wander=wander,
        steps=14,
    )
    colour = colours[int(rng.integers(len(colours)))]
    away_mm, share = distance_to_path(part.canvas.u_mm, part.canvas.v_mm, path_mm)
    half_mm = 0.5 * between(*width_mm, severity)
    round_mm = np.sqrt(np.maximum(half_mm**2 - away_mm**2, 0.0))
    lift_mm = 0.25 * half_mm * (1.0 + np.sin(9.0 * share + rng.uniform(0.0, 6.0)))
    return _laid_on(part, round_mm + half_mm + lift_mm, away_mm, half_mm, colour, gloss)


def blob(
    part: Part,
    severity: float,
    rng: np.random.Generator,
    *,
    radius_mm: Range,
    height_mm: Range,
    colours: tuple[Colour, ...],
    gloss: float = 0.3,
    opacity: float = 1.0,
) -> Surface:
    """Both: a drop or crumb of something foreign stuck to the part."""
    u_mm, v_mm = around(part, part.open_face, rng)
    size_mm = _sized(radius_mm, severity, rng)
    ragged = 1.0 + 0.18 * part.canvas.noise(1.2 * size_mm, rng)
    away_mm = (np.hypot(u_mm, v_mm) / ragged).astype(np.float32)
    dome = np.sqrt(np.clip(1.0 - (away_mm / size_mm) ** 2, 0.0, 1.0))
    thick_mm = between(*height_mm, severity) * dome
    colour = colours[int(rng.integers(len(colours)))]
    return _laid_on(part, thick_mm, away_mm, size_mm, colour, gloss, opacity)


def along_part(part: Part, rng: np.random.Generator) -> float:
    """A direction close to the part's first axis: with the grain."""
    return part.angle + float(rng.normal(0.0, 0.06))


def around(part: Part, places: Mask, rng: np.random.Generator) -> tuple[Field, Field]:
    """Table coordinates (H, W) relative to a random pixel of `places`."""
    u_mm, v_mm = _place(part, _pick(places, rng))
    return part.canvas.u_mm - np.float32(u_mm), part.canvas.v_mm - np.float32(v_mm)


def _laid_on(
    part: Part,
    thick_mm: Field,
    away_mm: Field,
    half_mm: float,
    colour: Colour,
    gloss: float,
    opacity: float = 1.0,
) -> Surface:
    """A foreign body of the given thickness where it is closer than `half_mm` to its middle."""
    surface, soft_mm = part.surface, 0.5 * part.canvas.pitch_mm
    cover = smoothstep(half_mm + soft_mm, half_mm - soft_mm, away_mm)
    is_there = away_mm < half_mm
    raised_mm = np.where(is_there, surface.height_mm + thick_mm, surface.height_mm)
    paint = painted(cover.shape, colour)
    return surface.changed(
        height_mm=raised_mm.astype(np.float32),
        albedo=mix(surface.albedo, paint, opacity * cover),
        gloss=mix(surface.gloss, np.full(cover.shape, gloss, np.float32), cover),
        turned=None if surface.turned is None else surface.turned * (1.0 - cover),
    )


def _above_table(height_mm: Field, sound: Surface) -> Field:
    """No deeper than almost through the part."""
    return np.maximum(height_mm, np.minimum(sound.height_mm, LEAST_LEFT_MM)).astype(np.float32)


def _sized(limits: Range, severity: float, rng: np.random.Generator) -> float:
    return between(*limits, severity) * float(rng.uniform(0.93, 1.07))


def _pick(places: Mask, rng: np.random.Generator) -> tuple[int, int]:
    """A random pixel of those that are True."""
    candidates = np.flatnonzero(places)
    row, column = divmod(int(candidates[rng.integers(candidates.size)]), places.shape[1])
    return row, column


def _place(part: Part, pixel: tuple[int, int]) -> tuple[float, float]:
    return float(part.canvas.u_mm[pixel]), float(part.canvas.v_mm[pixel])


def _outer_rim(part: Part) -> Mask:
    """The pixels along the outer outline, not those around holes."""
    contours, _ = cv2.findContours(
        (part.inside_mm > 0.0).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    rim = np.zeros(part.inside_mm.shape, np.uint8)
    cv2.drawContours(rim, contours, -1, 1, 1)
    return np.asarray(rim > 0, np.bool_)


def _softened(mask: Mask) -> Field:
    return blurred(mask.astype(np.float32), 0.5)
