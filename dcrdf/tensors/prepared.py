"""Prepared data as scans that detectors learn and score."""

from collections.abc import Sequence

from dcrdf.config.options import PrepareOptions
from dcrdf.preparation.image import PreparedImage
from dcrdf.preparation.store import PreparedSplit
from dcrdf.scans.prepared import arrays_of_images, arrays_of_split
from dcrdf.tensors.scans import Scans


def scans_of_split(split: PreparedSplit, *, points: bool = False) -> Scans:
    """A prepared split, with its points where they are asked for; `UserError` where they were not
    kept."""
    return arrays_of_split(split, Scans, points=points)


def scans_of_images(images: Sequence[PreparedImage], options: PrepareOptions) -> Scans:
    """Scans that were prepared one by one, as `scans_of_split` has them."""
    return arrays_of_images(images, options, Scans)
