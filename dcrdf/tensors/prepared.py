"""Prepared data as scans."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import PrepareOptions
from dcrdf.preparation.image import PreparedImage
from dcrdf.preparation.store import PreparedSplit
from dcrdf.tensors.scans import Scans

OF_WHOLE_SCANS = ("missing_share", "foreground_share", "distance_m", "size_m")


def scans_of_split(split: PreparedSplit, *, points: bool = False) -> Scans:
    """A prepared split, with its points where they are asked for; `UserError` where they were not
    kept."""
    return _scans(lambda name: getattr(split, name), split.options, split.xyz if points else None)


def scans_of_images(images: Sequence[PreparedImage], options: PrepareOptions) -> Scans:
    """Scans that were prepared one by one, as `scans_of_split` has them."""

    def stacked(name: str) -> NDArray[Any]:
        return np.stack([getattr(image, name) for image in images])

    has_points = images[0].points is not None
    return _scans(stacked, options, stacked("points") if has_points else None)


def _scans(
    field: Callable[[str], NDArray[Any]],
    options: PrepareOptions,
    points: NDArray[np.float32] | None,
) -> Scans:
    inside, height = field("inside"), field("depth")
    outline = field("foreground") & inside
    # Heights about the part's mean do not tell the part from what lies around it.
    is_centred = options.normalise == "image_mean"
    return Scans(
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
