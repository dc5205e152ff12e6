"""PNG files: checked before they are decoded, because decoders forgive too much.

OpenCV fills the missing rows of a truncated file and goes on. Here the size and depth declared in
the header, every chunk's checksum and the end mark are looked at first; that costs 3 % of decoding.
"""

import io
import struct
import zlib
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from dcrdf.errors import UserError
from dcrdf.files.atomic import replacing
from dcrdf.files.limits import check_pixels

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNK_OVERHEAD = 12
_BIT_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Colour type -> the bit depths that it may have."""


def decode_png(data: bytes, path: Path) -> NDArray[Any]:
    """The pixels of a PNG file, (H, W) or (H, W, channels), uint8 or uint16; palettes resolved.

    `UserError` names `path` when the file is cut short, damaged, or declares an absurd size.
    """
    _check_header(data, path)
    _check_chunks(data, path)
    said = io.StringIO()
    try:
        with redirect_stderr(said):  # what libpng warns of: mostly colour profiles
            pixels: NDArray[Any] = imagecodecs.png_decode(data)
    except (imagecodecs.PngError, ValueError, MemoryError) as error:
        raise UserError(f"{path}: damaged PNG: {error}") from None
    if "IDAT" in said.getvalue():
        raise UserError(f"{path}: damaged PNG: its pixels do not fill the declared size exactly")
    return pixels


def _check_header(data: bytes, path: Path) -> None:
    if len(data) < len(SIGNATURE) + 25 or data[12:16] != b"IHDR":
        raise UserError(f"{path}: truncated PNG: the header is incomplete")
    width, height = struct.unpack_from(">II", data, 16)
    check_pixels(height, width, path)
    bit_depth, colour, compression, filtering, interlace = data[24:29]
    if bit_depth not in _BIT_DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        raise UserError(f"{path}: damaged PNG: the header declares a kind of image there is not")


def _check_chunks(data: bytes, path: Path) -> None:
    view, position = memoryview(data), len(SIGNATURE)
    while position + _CHUNK_OVERHEAD <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            break
        (declared,) = struct.unpack_from(">I", data, end)
        if zlib.crc32(view[position + 4 : end]) != declared:
            raise UserError(f"{path}: damaged PNG: a checksum differs; copy the file again")
        if data[position + 4 : position + 8] == b"IEND":
            return
        position = end + 4
    raise UserError(f"{path}: truncated PNG: the file ends too early; copy it again")


def write_png(path: Path, pixels: NDArray[Any], level: int = 3) -> None:
    """Write bool, uint8 or uint16 pixels, (H, W) or (H, W, 3), whole or not at all; True is 255.

    `level` is the deflate level, 0 to 9.
    """
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype not in (np.uint8, np.uint16) or (pixels.ndim == 3 and pixels.shape[2] != 3):
        raise ValueError(f"a PNG holds uint8 or uint16 grey or RGB, not {_described(pixels)}")
    encoded = imagecodecs.png_encode(np.ascontiguousarray(pixels), level=level)
    with replacing(path) as aside:
        aside.write_bytes(encoded)


def _described(pixels: NDArray[Any]) -> str:
    return f"{pixels.dtype} {pixels.shape}"
