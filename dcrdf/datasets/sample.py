"""A sample on disk (`Sample`) and in memory (`Scan`)."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dcrdf.files.remarks import Remark

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
GOOD = "good"


@dataclass(frozen=True)
class Camera:
    """A pinhole camera, and the unit of its depth images.

    Attributes:
        fx, fy: focal lengths in pixels.
        cx, cy: principal point in pixels; the centre of the first pixel is (0, 0).
        depth_unit_m: metres per grey step of a 16-bit depth image (0.001 for millimetres).
        depth_offset_m: depth at grey value 0.
        missing_value: the grey value of a missing point, or None when every point is there.
        depth_along: `axis` where a depth is z, `ray` where it is the distance from the camera.
        crop: whether the image was cut out of a larger one: the principal point may lie beside it.
        file: where it was read; None for one of a data set.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    depth_unit_m: float
    depth_offset_m: float = 0.0
    missing_value: int | None = 0
    depth_along: Literal["axis", "ray"] = "axis"
    crop: bool = False
    file: Path | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Sample:
    """The files of one image pair. Either `xyz` or `depth` with `camera` is given.

    Attributes:
        xyz_unit_m: metres per unit of the values in `xyz` (0.001 for millimetres).
        widest_x_m: points farther to the left or right of the camera's axis count as missing.
        normals: the map of surface normals that some data sets bring.
    """

    category: str
    split: Split
    defect: str
    name: str
    rgb: Path
    xyz: Path | None = None
    depth: Path | None = None
    camera: Camera | None = None
    gt: Path | None = None
    xyz_unit_m: float = 1.0
    widest_x_m: float | None = None
    normals: Path | None = None

    @property
    def is_good(self) -> bool:
        """Whether the folder says that there is no defect."""
        return self.defect == GOOD

    @property
    def identity(self) -> str:
        """A name that is unique in the data set: category/split/defect/name."""
        return f"{self.category}/{self.split}/{self.defect}/{self.name}"


@dataclass(frozen=True)
class Scan:
    """The arrays of one sample, pixel for pixel.

    Attributes:
        rgb: uint8 (H, W, 3).
        xyz: float32 (H, W, 3), metres in the camera's frame (x right, y down, z forward); a
            missing point is (0, 0, 0).
        gt: bool (H, W), True on the defect; None where no mask is given.
        far_points: how many of the missing points were given, implausibly far away.
        normals: uint8 (H, W, 3), the surface normals that came with the sample, as an image.
        remarks: what was put right in its files, or is odd in them, each once.
    """

    rgb: NDArray[np.uint8]
    xyz: NDArray[np.float32]
    gt: NDArray[np.bool_] | None = None
    far_points: int = 0
    normals: NDArray[np.uint8] | None = None
    remarks: tuple[Remark, ...] = ()
