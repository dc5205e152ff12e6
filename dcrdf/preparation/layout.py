"""The layout of the prepared HDF5 file.

One group per split; every image array has one chunk per sample. Attributes of the file are text:
`category` and `input_digest`, the others JSON.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

NATIVE_GT = "native_gt"
"""A group of the test split: the masks at the scans' own sizes, one dataset each."""


def native_gt_name(index: int) -> str:
    """The dataset of a test sample's native mask."""
    return f"{index:06d}"


@dataclass(frozen=True)
class Field:
    """One dataset of a split: its type and the axes after the first."""

    dtype: Any
    axes: Callable[[int], tuple[int, ...]]
    optional: bool = False
    packed: bool = False
    """Compressed: pays for masks, not for noisy colours and heights."""

    @property
    def is_text(self) -> bool:
        """UTF-8 of a fixed length that each file chooses."""
        return self.dtype.kind == "S"

    @property
    def per_sample(self) -> bool:
        """Images are written one by one, in a chunk each; the rest is written once, at the end."""
        return len(self.axes(1)) > 1


def _scalar(_: int) -> tuple[int, ...]:
    return ()


def _image(size: int) -> tuple[int, ...]:
    return (size, size)


def _image3(size: int) -> tuple[int, ...]:
    return (size, size, 3)


ATTRIBUTES = (
    "category",
    "stage",
    "options",
    "constants",
    "summary",
    "skipped",
    "input_digest",
)

FIELDS: Mapping[str, Field] = {
    "rgb": Field(np.dtype(np.uint8), _image3),
    "depth": Field(np.dtype(np.float32), _image),
    "valid": Field(np.dtype(np.bool_), _image, packed=True),
    "foreground": Field(np.dtype(np.bool_), _image, packed=True),
    "gt": Field(np.dtype(np.bool_), _image, packed=True),
    "xyz": Field(np.dtype(np.float32), _image3, optional=True),
    "normals": Field(np.dtype(np.float16), _image3, optional=True),
    "label": Field(np.dtype(np.int8), _scalar),
    "mask_known": Field(np.dtype(np.bool_), _scalar),
    "defect": Field(np.dtype(np.bytes_), _scalar),
    "name": Field(np.dtype(np.bytes_), _scalar),
    "native_size": Field(np.dtype(np.int32), lambda _: (2,)),
    "plane": Field(np.dtype(np.float64), lambda _: (4,)),
    "plane_replaced": Field(np.dtype(np.bool_), _scalar),
    "plane_inlier_share": Field(np.dtype(np.float64), _scalar),
    "missing_share": Field(np.dtype(np.float64), _scalar),
    "foreground_share": Field(np.dtype(np.float64), _scalar),
    "distance_m": Field(np.dtype(np.float64), _scalar, optional=True),
    "size_m": Field(np.dtype(np.float64), _scalar, optional=True),
}
