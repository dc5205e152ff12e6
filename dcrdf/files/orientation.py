"""Pictures that say in which of eight ways they are to be shown: TIFF's tag 274, in EXIF too."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcrdf.files.remarks import Remark

TAG = 274
AS_STORED = 1
_SIGNS = (b"Exif", b"eXIf", b"type exif", b"tiff:Orientation")
"""One of them begins what may hold an orientation; Pillow decodes a whole PNG to look for it."""
TURNED = Remark(
    "orientation", "turned as its orientation tag says; the sample's other images must lie likewise"
)


def as_shown(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Pixels (H, W, ...) as they are to be looked at, from those that are stored.

    The tag (TIFF 6.0, section 8) says where the first row and column are shown: 2 mirrored, 3
    upside down, 6 to be turned clockwise, 8 counter-clockwise, and so on.
    """
    if orientation in (5, 6, 7, 8):
        pixels = np.swapaxes(pixels, 0, 1)
    down = slice(None, None, -1 if orientation in (3, 4, 7, 8) else 1)
    right = slice(None, None, -1 if orientation in (2, 3, 6, 7) else 1)
    return np.ascontiguousarray(pixels[down, right])


def orientation_in(data: bytes, kind: str) -> int:
    """The orientation that the metadata of a whole PNG or JPEG file ask for; 1 where they are
    damaged or say nothing."""
    if not any(sign in data for sign in _SIGNS):
        return AS_STORED
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            return known(image.getexif().get(TAG))
    except Exception:  # Pillow meets damage with errors of every type
        return AS_STORED


def known(value: Any) -> int:
    """An orientation that there is; 1 for all else."""
    return value if isinstance(value, int) and value in range(1, 9) else AS_STORED
