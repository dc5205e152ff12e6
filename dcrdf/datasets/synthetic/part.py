"""What is seen (`Surface`), the raster it is drawn on (`Canvas`) and the part itself (`Part`)."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from dcrdf.datasets.synthetic.arrays import Field, Mask
from dcrdf.datasets.synthetic.camera import View
from dcrdf.datasets.synthetic.noise import fractal_noise, smooth_noise


@dataclass(frozen=True)
class Canvas:
    """The raster of an image: the table coordinates (H, W) of its pixels, in mm."""

    u_mm: Field
    v_mm: Field
    pitch_mm: float

    @classmethod
    def of(cls, view: View) -> Self:
        """The raster that a camera sees."""
        u_mm, v_mm = view.table_mm()
        return cls(u_mm, v_mm, view.pitch_mm)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.u_mm.shape[0], self.u_mm.shape[1]

    def noise(self, cell_mm: float, rng: np.random.Generator) -> Field:
        """Smooth noise that changes over `cell_mm`."""
        return smooth_noise(self.shape, cell_mm / self.pitch_mm, rng)

    def fractal(self, cells_mm: tuple[float, ...], rng: np.random.Generator) -> Field:
        """Noise of several scales."""
        return fractal_noise(self.shape, tuple(cell / self.pitch_mm for cell in cells_mm), rng)

    def posed(self, angle: float, shift_mm: tuple[float, float]) -> tuple[Field, Field]:
        """Coordinates in the frame of a part that lies turned and shifted on the table."""
        u_mm, v_mm = self.u_mm - np.float32(shift_mm[0]), self.v_mm - np.float32(shift_mm[1])
        cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        return cosine * u_mm + sine * v_mm, cosine * v_mm - sine * u_mm


@dataclass(frozen=True)
class Surface:
    """All that decides what camera and depth sensor see.

    Attributes:
        height_mm: (H, W) above the table.
        albedo: (H, W, 3) linear diffuse reflectance.
        gloss: (H, W) strength of the specular highlight.
        shininess: exponent of the specular highlight.
        turned: (H, W) strength of the streaks of turned metal; None where there is none.
        tangent: two fields (H, W), the direction of the turning marks on the table.
    """

    height_mm: Field
    albedo: Field
    gloss: Field
    shininess: float = 20.0
    turned: Field | None = None
    tangent: tuple[Field, Field] | None = None

    def changed(self, **fields: Any) -> "Surface":
        """A copy with some fields replaced."""
        return replace(self, **fields)


@dataclass(frozen=True)
class Part:
    """A sound part on its table.

    Attributes:
        canvas: the raster.
        surface: part and table together.
        table: the table alone.
        inside_mm: (H, W) distance to the part's outline, positive inside.
        axes: coordinates (H, W) in the part's own frame.
        angle: direction of the first axis on the table.
        open_face: (H, W) where the middle of a defect may lie.
    """

    canvas: Canvas
    surface: Surface
    table: Surface
    inside_mm: Field
    axes: tuple[Field, Field]
    angle: float
    open_face: Mask
