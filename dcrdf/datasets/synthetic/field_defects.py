"""How walls and pavements fail; sizes are shares of the image's side, as a field has no size."""

from dataclasses import replace

import numpy as np

from dcrdf.datasets.synthetic import defects
from dcrdf.datasets.synthetic.arrays import Colour, between, mix, smoothstep
from dcrdf.datasets.synthetic.defects import Range
from dcrdf.datasets.synthetic.part import Part, Surface

CRACK_LENGTH: Range = (0.18, 0.7)
CRACK_WIDTH: Range = (0.004, 0.008)
"""One to two pixels of a sensor with 256 to a side."""
CRACK_DEPTH: Range = (0.008, 0.022)
CRACK: Colour = (0.03, 0.028, 0.026)
"""Hardly any light comes back from inside; but a pixel is wider than a crack."""
CRACK_STRENGTH = 0.4
SPALL_SIZE: Range = (0.03, 0.09)
SPALL_DEPTH: Range = (0.008, 0.025)
SPALL_SHADE: Range = (1.3, 0.6)
SWELL_SIZE: Range = (0.07, 0.17)
SWELL_HEIGHT: Range = (0.009, 0.022)


def crack(part: Part, severity: float, rng: np.random.Generator) -> Surface:
    """Both: one thin crack."""
    return defects.groove(
        part,
        severity,
        rng,
        length_mm=_in_mm(CRACK_LENGTH, part),
        width_mm=_in_mm(CRACK_WIDTH, part),
        depth_mm=_in_mm(CRACK_DEPTH, part),
        colour=CRACK,
        strength=CRACK_STRENGTH,
    )


def crazing(part: Part, severity: float, rng: np.random.Generator) -> Surface:
    """Both: two to four thin cracks."""
    for _ in range(2 + round(2.0 * min(severity, 1.0))):
        part = replace(part, surface=crack(part, 0.6 * severity, rng))
    return part.surface


def hairline(part: Part, severity: float, rng: np.random.Generator) -> Surface:
    """Colour only: a crack that a depth sensor does not see."""
    return part.surface.changed(albedo=crack(part, severity, rng).albedo)


def spall(part: Part, severity: float, rng: np.random.Generator) -> Surface:
    """Both: a flake that came off, with a fresh face of a lighter or darker tone."""
    u_mm, v_mm = defects.around(part, part.open_face, rng)
    size_mm = between(*_in_mm(SPALL_SIZE, part), severity) * rng.uniform(0.93, 1.07)
    ragged = 0.2 * part.canvas.noise(size_mm, rng) + 0.1 * part.canvas.noise(0.3 * size_mm, rng)
    cover = smoothstep(0.0, 0.25, 1.0 - np.hypot(u_mm, v_mm) / np.float32(size_mm) + ragged)
    rough = 1.0 + 0.2 * part.canvas.noise(0.2 * size_mm, rng)
    depth_mm = between(*_in_mm(SPALL_DEPTH, part), severity)
    shade = SPALL_SHADE[int(rng.integers(2))]
    surface = part.surface
    fresh = np.clip(surface.albedo * np.float32(shade), 0.0, 0.9)
    return surface.changed(
        height_mm=(surface.height_mm - np.float32(depth_mm) * cover * rough).astype(np.float32),
        albedo=mix(surface.albedo, fresh, cover),
    )


def swell(part: Part, severity: float, rng: np.random.Generator) -> Surface:
    """Depth only: a hollow or a bulge, as where roots lift or ground gives way."""
    sign = float(rng.choice((-1.0, 1.0)))
    low, high = _in_mm(SWELL_HEIGHT, part)
    return defects.bulge(
        part,
        severity,
        rng,
        radius_mm=_in_mm(SWELL_SIZE, part),
        height_mm=(sign * low, sign * high),
    )


def _in_mm(shares: Range, part: Part) -> Range:
    side_mm = part.canvas.pitch_mm * part.canvas.shape[0]
    return shares[0] * side_mm, shares[1] * side_mm
