"""TIFF files of any common compression, checked before they are decoded."""

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from dcrdf.errors import UserError
from dcrdf.files.atomic import replacing
from dcrdf.files.limits import check_pixels
from dcrdf.files.orientation import AS_STORED, TAG, known

SIGNATURES = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")

_LOG_LUV = (34676, 34677)
"""SGI's, which OpenCV chooses for three floats a pixel where it is asked for compression."""

# What tifffile warns of ends in a UserError here or does not matter to the pixels.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def read_tiff(path: Path) -> tuple[NDArray[Any], int]:
    """The first page's pixels as they are stored, (H, W) or (H, W, channels), in the file's type;
    and the orientation in which they are to be shown.

    `UserError` names `path` when the file is cut short, damaged, or declares an absurd size.
    """
    with damage_named(path), tifffile.TiffFile(path) as file:
        page: Any = file.pages[0]
        _check_shape(page, path)
        _check_segments(page, file.filehandle.size, path)
        pixels: NDArray[Any] = page.asarray(maxworkers=1)
        pixels = np.moveaxis(pixels, 0, -1) if page.axes == "SYX" else pixels
        return pixels, known(page.tags.valueof(TAG, AS_STORED))


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """What goes wrong in the body while reading `path` becomes a `UserError`."""
    try:
        with np.errstate(all="ignore"):
            yield
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror or error}") from None
    except Exception as error:  # tifffile meets damage with errors of every type
        raise UserError(f"{path}: truncated or damaged TIFF: {error}") from None


def _check_shape(page: Any, path: Path) -> None:
    if page.compression in _LOG_LUV:
        raise UserError(
            f"{path}: compressed as LogLuv, which keeps colours roughly and no points; write it"
            " with another compression or none"
        )
    if page.compression not in tifffile.TIFF.DECOMPRESSORS:
        raise UserError(f"{path}: its compression ({page.compression!s}) is not read here")
    if page.dtype is None:
        raise UserError(f"{path}: damaged TIFF: its pixels have no known type")
    if page.axes not in ("YX", "YXS", "SYX"):
        raise UserError(f"{path}: a TIFF of unknown form ({page.axes}); one flat image is expected")
    check_pixels(page.imagelength, page.imagewidth, path)
    if page.samplesperpixel > 4:
        raise UserError(f"{path}: {page.samplesperpixel} channels; at most four are expected")
    if page.tile is not None:
        check_pixels(page.tilelength, page.tilewidth, path)


def _check_segments(page: Any, file_bytes: int, path: Path) -> None:
    offsets, sizes = page.dataoffsets, page.databytecounts
    if len(offsets) != len(sizes) or len(offsets) < math.prod(page.chunked):
        raise UserError(f"{path}: damaged TIFF: its table of strips is incomplete")
    if any(size == 0 for size in sizes):
        raise UserError(f"{path}: damaged TIFF: a strip is missing")
    if max(offset + size for offset, size in zip(offsets, sizes, strict=True)) > file_bytes:
        raise UserError(f"{path}: truncated TIFF: the file ends too early; copy it again")


def write_float_tiff(path: Path, pixels: NDArray[np.float32]) -> None:
    """Write float32 pixels (H, W) or (H, W, 3), deflated with the floating-point predictor."""
    if pixels.dtype != np.float32:
        raise ValueError(f"float32 is expected, not {pixels.dtype}")
    with replacing(path) as aside:
        tifffile.imwrite(
            aside,
            pixels,
            photometric="rgb" if pixels.ndim == 3 else "minisblack",
            compression="zlib",
            predictor=3,
            metadata=None,
            software=False,
        )
