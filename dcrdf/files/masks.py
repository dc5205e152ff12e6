"""Ground-truth masks: a pixel is defect or it is not, however the file says so.

A mask has two values, or classes that are all defects. Shades between come from soft brushes,
resizing and lossy compression: the edge of the defect is then where they pass the half.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.errors import UserError
from dcrdf.files.images import read_pixels
from dcrdf.files.remarks import Remark, Remarks

HIGHEST_CLASS = 31
"""Numbers up to it are classes: shades would reach the highest value of their type."""
MOST_CLASSES = 16
MOST_SHADES, MOST_SHADES_OF_DEFECT = 0.1, 3.0
"""Of the image's pixels, and of the defect's. What has more is no mask."""
INVERTED = 0.9
SHADED = Remark("masks", "the mask has shades between 0 and its highest value; taken at the half")
LARGE = Remark("masks", "the mask marks more than half of the image: inverted?")

Mask = NDArray[np.bool_]


def read_mask(path: Path, remarks: Remarks | None = None) -> Mask:
    """A mask: bool (H, W), True on the defect; from a PNG, TIFF or JPEG file, grey or coloured.

    `UserError` for a picture that is no mask, and for one that marks all but a defect.
    """
    remarks = [] if remarks is None else remarks
    values = _values(read_pixels(path, "PNG, TIFF or JPEG", remarks), path)
    marked, is_shaded = marked_by(values, path)
    share, border = (
        marked.mean(),
        np.concatenate([marked[[0, -1]].ravel(), marked[:, [0, -1]].ravel()]),
    )
    if share > INVERTED and border.mean() > INVERTED:
        raise UserError(
            f"{path}: marks {share:.1%} of the image, its border too: inverted? the defect must be"
            " above 0, all else 0"
        )
    if is_shaded:
        remarks.append(SHADED)
    if share > 0.5:
        remarks.append(LARGE)
    return marked


def _values(pixels: NDArray[Any], path: Path) -> NDArray[Any]:
    """The highest of a pixel's colour values, (H, W); transparency says nothing."""
    if pixels.dtype.kind not in "buf" or not np.isfinite(pixels).all() or pixels.min() < 0:
        raise UserError(f"{path}: {pixels.dtype} values; a mask is 0 where there is no defect")
    if pixels.ndim == 2:
        return pixels
    colours = pixels[:, :, : 1 if pixels.shape[2] == 2 else 3]
    return np.asarray(colours.max(axis=2))


def marked_by(values: NDArray[Any], path: Path) -> tuple[Mask, bool]:
    """Where values (H, W) mark a defect, and whether some of them are shades."""
    top = float(values.max())
    above_0: Mask = values > 0
    low = above_0 & (values < 0.5 * top)
    if not low.any() or _are_classes(values, low):
        return above_0, False
    marked: Mask = values >= 0.5 * top
    between = np.count_nonzero((values > 0.1 * top) & (values < 0.9 * top))
    if between > MOST_SHADES * values.size or between > MOST_SHADES_OF_DEFECT * marked.sum():
        raise UserError(
            f"{path}: {between / values.size:.1%} of its pixels are shades: a picture, not a mask?"
            " a mask is 0 where there is no defect and has one value where there is"
        )
    return marked, True


def _are_classes(values: NDArray[Any], low: Mask) -> bool:
    """Whether low values (where `low`) number kinds of defects: small whole numbers, or a few
    levels with even surfaces. Shades lie along edges, traces of compression near 0."""
    top = float(values.max())
    if values.dtype.kind in "bu" and top <= HIGHEST_CLASS:
        return True
    if values[low].min() < 0.1 * top or len(np.unique(values[low])) > MOST_CLASSES:
        return False
    plain = values.astype(np.float32)
    square = np.ones((3, 3), np.uint8)
    is_even = cv2.dilate(plain, square) == cv2.erode(plain, square)
    return bool(2 * np.count_nonzero(is_even & low) > np.count_nonzero(low))
