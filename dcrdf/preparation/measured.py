"""What is known of a measured scan, and what scans take over from the training split."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.prepare_options import Frame
from dcrdf.files.remarks import Remark
from dcrdf.preparation.frame import FrameFacts
from dcrdf.preparation.normalise import Mode, PreparationConstants
from dcrdf.preparation.normals import NormalsImage
from dcrdf.preparation.plane import Plane

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ScanFacts:
    """What is known of a measured scan besides its images.

    The shares are of the scan at its own size. `inlier_share` is the border's agreement with the
    scan's own best plane (0 where there is none), `plane` the one that was used; a plane from
    corners is accepted whatever the border says. `far_points` are missing ones that were given,
    implausibly far away; `remarks` are the scan's. `border_missing_share` is of the image's
    border. `distance_m` is the points' median distance, `part_size_m` and `scan_size_m` are the
    diagonals of the part and of all that was measured; 0 without any.
    """

    native_size: tuple[int, int]
    plane: Plane
    inlier_share: float
    plane_accepted: bool
    plane_replaced: bool
    missing_share: float
    part_share: float
    far_points: int = 0
    remarks: tuple[Remark, ...] = ()
    border_missing_share: float = 0.0
    distance_m: float = 0.0
    part_size_m: float = 0.0
    scan_size_m: float = 0.0
    frame: FrameFacts | None = None
    """None where the border fits no plane well enough to tell."""
    below_share: float = 0.0
    """The part's if it stood out on the plane's other side, where the frame is not sure."""
    turned: bool = False
    """Whether z was negative, as OpenGL's cameras have it, and the points were turned."""

    def foreground_share(self, mode: Mode) -> float:
        """The share of the scan that is inspected: the part, or the points of a field."""
        return self.part_share if mode == "part" else 1.0 - self.missing_share

    def size_m(self, mode: Mode) -> float:
        """The diagonal of what is inspected."""
        return self.part_size_m if mode == "part" else self.scan_size_m

    def contradicts(self, frame: Frame) -> bool:
        """Whether heights in that frame would have the wrong sign, as far as is known."""
        return self.frame is not None and self.frame.contradicts(frame)

    @property
    def has_plane(self) -> bool:
        """Whether any plane was found at all."""
        return self.inlier_share > 0.0 or self.plane_accepted


@dataclass(frozen=True)
class MeasuredScan:
    """A scan brought to (S, S), in metres.

    `surface_m` float32 is the height above the plane (or z), its holes filled unless the options
    fill them later or not at all (then they are 0); `valid` is where it was measured, `part` the
    foreground in case the category is a part. `normals` (S, S, 3) where they are the surface;
    `part_heights_m` where `surface_m` does not say how high the part is: see `part_heights`.
    """

    rgb: NDArray[np.uint8]
    surface_m: NDArray[np.float32]
    valid: Mask
    part: Mask
    gt: Mask
    facts: ScanFacts
    normals: NormalsImage | None = None
    part_heights_m: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class TrainingPlane:
    """What scans without a plane of their own take over from the training split."""

    mode: Mode
    plane: Plane
    frame: Frame = "camera"

    @classmethod
    def of(cls, constants: PreparationConstants) -> Self:
        """What a category's constants say of it."""
        return cls(constants.mode, Plane.from_coefficients(constants.plane), constants.frame)

    def is_needed_by(self, facts: ScanFacts) -> bool:
        """A part needs a sound background plane; a field's own best plane beats another scan's."""
        return not facts.has_plane or (self.mode == "part" and not facts.plane_accepted)
