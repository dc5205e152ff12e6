"""What takes the scans of a category: camera, light and depth sensor."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dcrdf.datasets.synthetic.arrays import Field
from dcrdf.datasets.synthetic.camera import DISTANCE_MM, FOCAL_PER_SIDE, View, draw_view
from dcrdf.datasets.synthetic.light import Lighting, draw_lighting
from dcrdf.datasets.synthetic.sensor import scan


@dataclass(frozen=True)
class Rig:
    """How a scan of a category comes about, each from a generator of its own.

    `view` gives a pose for a side in pixels, `lighting` the lights; `scan` makes points (H, W, 3)
    in metres of view, heights (H, W) in mm and radiance (H, W, 3). The marker file says the
    focal length in image sides and `distance_mm`: one number, or the nearest and the farthest.
    """

    view: Callable[[int, np.random.Generator], View]
    lighting: Callable[[np.random.Generator], Lighting]
    scan: Callable[[View, Field, Field, np.random.Generator], Field]
    focal_per_side: float
    distance_mm: float | tuple[float, float]


TABLE_RIG = Rig(draw_view, draw_lighting, scan, FOCAL_PER_SIDE, DISTANCE_MM)
"""A camera above a table, always the same."""
