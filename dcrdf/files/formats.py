"""How an image file stores its pixels, in words: for people who look a data set over."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from dcrdf.errors import UserError
from dcrdf.files import png, tiff

_COLOURS = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}


def describe_format(path: Path) -> str:
    """For example `8-bit RGB PNG` or `float32 TIFF, ADOBE_DEFLATE, predictor 3`."""
    start = _start_of(path)
    if start.startswith(png.SIGNATURE) and len(start) == 26:
        depth, colour = struct.unpack("BB", start[24:])
        return f"{depth}-bit {_COLOURS.get(colour, 'unknown')} PNG"
    if start[:4] in tiff.SIGNATURES:
        return _describe_tiff(path)
    return "JPEG" if start.startswith(b"\xff\xd8\xff") else "unknown"


def is_tiff(path: Path) -> bool:
    """Whether the content, not the name, says so."""
    return _start_of(path)[:4] in tiff.SIGNATURES


def is_points(path: Path) -> bool:
    """Whether a file is a TIFF of three floats a pixel, as points are."""
    if not is_tiff(path):
        return False
    with tiff.damage_named(path), tifffile.TiffFile(path) as file:
        page: Any = file.pages[0]
        return bool(page.dtype.kind == "f" and page.samplesperpixel == 3)


def is_depth16(path: Path) -> bool:
    """Whether a PNG or TIFF file has one channel of 16 bits, as depth images have."""
    start = _start_of(path)
    if start[:4] in tiff.SIGNATURES:
        with tiff.damage_named(path), tifffile.TiffFile(path) as file:
            page: Any = file.pages[0]
            return bool(page.dtype == np.uint16 and page.samplesperpixel == 1)
    return start.startswith(png.SIGNATURE) and start[24:] == b"\x10\x00"


def _start_of(path: Path) -> bytes:
    """As much of a file as has a PNG's kind of pixels in it."""
    try:
        with path.open("rb") as file:
            return file.read(26)
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror or error}") from None


def _describe_tiff(path: Path) -> str:
    with tiff.damage_named(path), tifffile.TiffFile(path) as file:
        page: Any = file.pages[0]
        name = "no compression" if page.compression == 1 else page.compression.name
        predictor = f", predictor {int(page.predictor)}" if page.predictor > 1 else ""
        return f"{page.dtype} TIFF, {name}{predictor}"
