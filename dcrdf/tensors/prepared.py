"""Prepared data as scans."""

from collections.abc import Collection, Sequence

import numpy as np

from dcrdf.preparation.image import PreparedImage
from dcrdf.preparation.store import PreparedSplit
from dcrdf.tensors.scans import Scans


def scans_of_split(split: PreparedSplit, needs: Collection[str] = ()) -> Scans:
    """A prepared split, with the points where they are needed; `UserError` where they were not
    kept."""
    return Scans(
        inside=split.inside,
        rgb=split.rgb,
        height=split.depth,
        valid=split.valid,
        outline=split.foreground & split.inside,
        points=split.xyz if "points" in needs else None,
    )


def scans_of_images(images: Sequence[PreparedImage]) -> Scans:
    """Scans that were prepared one by one, as `scans_of_split` has them."""
    return Scans(
        inside=np.stack([image.inside for image in images]),
        rgb=np.stack([image.rgb for image in images]),
        height=np.stack([image.depth for image in images]),
        valid=np.stack([image.valid for image in images]),
        outline=np.stack([image.foreground & image.inside for image in images]),
    )
