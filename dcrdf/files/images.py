"""The images of a sample: colour, points, depth. What is not what it should be is refused with a
line that names the file; what says how it is to be shown is turned."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcrdf.errors import UserError
from dcrdf.files import png, tiff
from dcrdf.files.limits import check_pixels, check_regular_file
from dcrdf.files.orientation import AS_STORED, TURNED, as_shown, orientation_in
from dcrdf.files.png import write_png
from dcrdf.files.remarks import Remarks
from dcrdf.files.tiff import write_float_tiff

__all__ = ["read_depth16", "read_pixels", "read_rgb", "read_xyz", "write_png", "write_xyz"]

_JPEG_SIGNATURE = b"\xff\xd8\xff"


def read_rgb(
    path: Path, remarks: Remarks | None = None, *, as_stored: bool = False
) -> NDArray[np.uint8]:
    """A colour image: uint8 (H, W, 3), from a PNG or JPEG file.

    Grey is replicated and an alpha channel dropped; 16-bit images are refused, as scaling them
    would be a guess. `as_stored` leaves it as it lies in the file.
    """
    pixels = read_pixels(path, "PNG or JPEG", remarks, as_stored=as_stored)
    if pixels.dtype != np.uint8:
        raise UserError(f"{path}: {pixels.dtype} pixels; 8-bit colour is expected")
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.shape[2] < 3:
        return np.repeat(pixels[:, :, :1], 3, axis=2)
    return np.ascontiguousarray(pixels[:, :, :3])


def read_xyz(path: Path, remarks: Remarks | None = None) -> NDArray[np.float32]:
    """Points: float32 (H, W, 3) as in the file; missing ones are (0, 0, 0), NaN or infinite there.

    float64 files are narrowed; other types and channel counts are refused.
    """
    pixels = read_pixels(path, "TIFF", remarks)
    if pixels.dtype not in (np.float32, np.float64):
        raise UserError(f"{path}: {pixels.dtype} values; float32 metres are expected")
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise UserError(f"{path}: shape {pixels.shape}; three channels (x, y, z) are expected")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(pixels, dtype=np.float32)


def read_depth16(path: Path, remarks: Remarks | None = None) -> NDArray[np.uint16]:
    """A depth image: uint16 (H, W) as in the PNG or TIFF file."""
    pixels = read_pixels(path, "PNG or TIFF", remarks)
    if pixels.dtype != np.uint16 or pixels.ndim != 2:
        channels = 1 if pixels.ndim == 2 else pixels.shape[2]
        raise UserError(
            f"{path}: {pixels.dtype} with {channels} channels; 16-bit grey depth is expected"
        )
    return np.ascontiguousarray(pixels)


def write_xyz(path: Path, xyz: NDArray[np.float32]) -> None:
    """Write points, float32 (H, W, 3), as a deflated TIFF with the floating-point predictor."""
    write_float_tiff(path, xyz)


def read_pixels(
    path: Path, wanted: str, remarks: Remarks | None = None, *, as_stored: bool = False
) -> NDArray[Any]:
    """The pixels (H, W) or (H, W, channels) of a file, decoded by its signature, not its name.

    `wanted` names the formats that will do. They are turned as the file says, which is remarked,
    unless `as_stored`.
    """
    pixels, orientation = _decoded(path, wanted)
    if as_stored or orientation == AS_STORED:
        return pixels
    if remarks is not None:
        remarks.append(TURNED)
    return as_shown(pixels, orientation)


def _decoded(path: Path, wanted: str) -> tuple[NDArray[Any], int]:
    """The pixels as they are stored, and the orientation in which they are to be shown."""
    check_regular_file(path)
    try:
        with path.open("rb") as file:
            start = file.read(8)
            is_tiff = start[:4] in tiff.SIGNATURES
            data = b"" if is_tiff else start + file.read()
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror or error}") from None
    if "PNG" in wanted and start == png.SIGNATURE:
        return png.decode_png(data, path), orientation_in(data, "PNG")
    if "TIFF" in wanted and is_tiff:
        return tiff.read_tiff(path)
    if "JPEG" in wanted and start[:3] == _JPEG_SIGNATURE:
        return _decode_jpeg(data, path), orientation_in(data, "JPEG")
    raise UserError(f"{path}: not a {wanted} file")


def _decode_jpeg(data: bytes, path: Path) -> NDArray[Any]:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            check_pixels(image.height, image.width, path)
            return np.asarray(image.convert("RGB"))
    except UserError:
        raise
    except Exception as error:  # Pillow meets damage with errors of every type
        raise UserError(f"{path}: truncated or damaged JPEG: {error}") from None
