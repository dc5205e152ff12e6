"""The rig's camera: a pinhole above a table that it sees slightly from the side."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dcrdf.datasets.synthetic.arrays import Field

FOCAL_PER_SIDE = 5.0
DISTANCE_MM = 450.0
TILT_DEG = (2.6, -1.7)


@dataclass(frozen=True)
class View:
    """One pose of the camera over the table, for square images.

    Table coordinates are u (right in the image), v (down) and the height above the table, in mm;
    their origin is the point of the table that the optical axis meets.

    Attributes:
        size_px: image side.
        distance_mm: distance of the camera from the table plane, along its normal.
        normal: unit normal of the table in the camera's frame, towards the camera.
        focal_per_side: focal length in image sides.
    """

    size_px: int
    distance_mm: float
    normal: tuple[float, float, float]
    focal_per_side: float = FOCAL_PER_SIDE

    @property
    def focal_px(self) -> float:
        """Focal length of both axes in pixels."""
        return self.focal_per_side * self.size_px

    @property
    def centre_px(self) -> float:
        """Principal point of both axes; the centre of the first pixel is 0."""
        return (self.size_px - 1) / 2

    @property
    def pitch_mm(self) -> float:
        """Side of a pixel on the table, in the middle of the image."""
        return self.distance_mm / self.focal_px

    @cached_property
    def _rays(self) -> tuple[Field, Field]:
        """x / z of every column (1, W) and y / z of every row (H, 1)."""
        steps = ((np.arange(self.size_px) - self.centre_px) / self.focal_px).astype(np.float32)
        return steps[None, :], steps[:, None]

    def points_m(self, height_mm: Field) -> Field:
        """The points (H, W, 3), in metres and the camera's frame, that lie `height_mm` above
        the table on the ray of their pixel."""
        x_ray, y_ray = self._rays
        n_x, n_y, n_z = self.normal
        depth_m = (self.distance_mm - height_mm) / (-1000.0 * (n_x * x_ray + n_y * y_ray + n_z))
        return np.dstack([x_ray * depth_m, y_ray * depth_m, depth_m]).astype(np.float32)

    def table_mm(self) -> tuple[Field, Field]:
        """Table coordinates u, v (H, W) of every pixel's ray."""
        flat = np.zeros((self.size_px, self.size_px), np.float32)
        x_mm, y_mm, z_mm = np.moveaxis(1000.0 * self.points_m(flat), 2, 0)
        z_mm = z_mm + np.float32(self.distance_mm / self.normal[2])
        right, down = self._table_axes()
        u_mm = right[0] * x_mm + right[1] * y_mm + right[2] * z_mm
        v_mm = down[0] * x_mm + down[1] * y_mm + down[2] * z_mm
        return u_mm, v_mm

    def _table_axes(self) -> tuple[list[float], list[float]]:
        normal = np.array(self.normal)
        right = np.array([1.0, 0.0, 0.0]) - normal[0] * normal
        right /= np.linalg.norm(right)
        return right.tolist(), np.cross(-normal, right).tolist()


def draw_view(size_px: int, rng: np.random.Generator) -> View:
    """A pose of the camera: always the same rig, re-mounted with a little play."""
    tilt_x, tilt_y = np.deg2rad(TILT_DEG + rng.normal(0.0, 0.25, 2))
    normal = np.array([np.tan(tilt_x), np.tan(tilt_y), -1.0])
    n_x, n_y, n_z = (normal / np.linalg.norm(normal)).tolist()
    return View(size_px, DISTANCE_MM + float(rng.normal(0.0, 1.5)), (n_x, n_y, n_z))
