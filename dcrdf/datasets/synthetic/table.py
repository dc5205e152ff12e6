"""The table under the part: flat, with a mild texture of its own."""

import numpy as np

from dcrdf.datasets.synthetic.arrays import Colour, Field, mix, smoothstep
from dcrdf.datasets.synthetic.part import Canvas, Surface


def lay_table(canvas: Canvas, colour: Colour, rng: np.random.Generator) -> Surface:
    """A table of about the given colour; tone and texture are drawn anew."""
    tone = rng.normal(1.0, 0.05) * (1.0 + rng.normal(0.0, 0.015, 3))
    mottle = 1.0 + 0.035 * canvas.fractal((14.0, 5.0, 0.9), rng)
    albedo = (np.asarray(colour) * tone).astype(np.float32) * mottle[..., None]
    height_mm = 0.012 * canvas.fractal((1.2, 0.6), rng)
    gloss = np.full(canvas.shape, 0.02, np.float32)
    return Surface(height_mm.astype(np.float32), albedo.astype(np.float32), gloss)


def put_on_table(table: Surface, part: Surface, inside_mm: Field, pitch_mm: float) -> Surface:
    """The part where `inside_mm` is positive, the table elsewhere; one pixel of soft border."""
    cover = smoothstep(-0.5 * pitch_mm, 0.5 * pitch_mm, inside_mm)
    return part.changed(
        height_mm=np.where(inside_mm > 0.0, part.height_mm, table.height_mm).astype(np.float32),
        albedo=mix(table.albedo, part.albedo, cover),
        gloss=mix(table.gloss, part.gloss, cover),
        turned=None if part.turned is None else part.turned * cover,
    )
