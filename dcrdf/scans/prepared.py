"""Prepared data as scans."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import PrepareOptions
from dcrdf.preparation.image import PreparedImage
from dcrdf.preparation.store import PreparedSplit
from dcrdf.scans.arrays import ScanArrays

OF_WHOLE_SCANS = ("missing_share", "foreground_share", "distance_m", "size_m")
Arrays = TypeVar("Arrays", bound=ScanArrays)


def arrays_of_images(
    images: Sequence[PreparedImage], options: PrepareOptions, kind: type[Arrays]
) -> Arrays:
    """Scans that were prepared one by one, as `arrays_of_split` has them."""

    def stacked(name: str) -> NDArray[Any]:
        return np.stack([getattr(image, name) for image in images])

    has_points = images[0].points is not None
    return _arrays(stacked, options, stacked("points") if has_points else None, kind)


def arrays_of_split(split: PreparedSplit, kind: type[Arrays], *, points: bool = False) -> Arrays:
    """A prepared split, with its points where they are asked for; `UserError` where they were not
    kept."""
    xyz = split.xyz if points else None
    return _arrays(lambda name: getattr(split, name), split.options, xyz, kind)


def _arrays(
    field: Callable[[str], NDArray[Any]],
    options: PrepareOptions,
    points: NDArray[np.float32] | None,
    kind: type[Arrays],
) -> Arrays:
    inside, height = field("inside"), field("depth")
    outline = field("foreground") & inside
    # Heights about the part's mean do not tell the part from what lies around it.
    is_centred = options.normalise == "image_mean"
    return kind(
        inside=inside,
        rgb=field("rgb"),
        height=height,
        valid=field("valid"),
        outline=outline,
        on_part=outline if is_centred else (height > 0.0) & inside,
        normals=field("normals") if options.surface == "normals" else None,
        points=points,
        **{name: field(name) for name in OF_WHOLE_SCANS},
    )
