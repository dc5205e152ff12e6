"""How large an image file may be and may claim to be, looked at before anything is allocated."""

import stat
from pathlib import Path

from dcrdf.errors import UserError

MAX_PIXELS = 64_000_000
MAX_IMAGE_BYTES = 2_000_000_000


def check_pixels(height: int, width: int, path: Path) -> None:
    """Refuse an empty image and one of more than `MAX_PIXELS` pixels."""
    if height < 1 or width < 1:
        raise UserError(f"{path}: the image is empty ({height} x {width} pixels)")
    if height * width > MAX_PIXELS:
        raise UserError(
            f"{path}: the header declares {height} x {width} pixels;"
            f" images above {MAX_PIXELS // 1_000_000} megapixels are refused"
        )


def check_regular_file(path: Path) -> None:
    """Refuse what is missing, no file (a folder, a pipe), empty, or larger than any image."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot read: {getattr(error, 'strerror', error)}") from None
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"{path}: not a file")
    if status.st_size == 0:
        raise UserError(f"{path}: the file is empty; copy it again")
    if status.st_size > MAX_IMAGE_BYTES:
        raise UserError(f"{path}: {status.st_size / 1e9:.1f} GB is too large for an image")
