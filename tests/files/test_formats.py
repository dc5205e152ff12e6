from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcrdf.errors import UserError
from dcrdf.files.formats import describe_format
from dcrdf.files.images import write_png


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("RGB", "8-bit RGB PNG"),
        ("RGBA", "8-bit RGB with alpha PNG"),
        ("1", "1-bit grey PNG"),
        ("P", "8-bit palette PNG"),
    ],
)
def test_png_kinds(tmp_path: Path, mode: str, words: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).convert(mode).save(tmp_path / "a.png")
    assert describe_format(tmp_path / "a.png") == words


def test_depth_png_and_others(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", np.zeros((3, 3), np.uint16))
    assert describe_format(tmp_path / "a.png") == "16-bit grey PNG"
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")
    assert describe_format(tmp_path / "a.jpg") == "JPEG"
    (tmp_path / "a.txt").write_text("x")
    assert describe_format(tmp_path / "a.txt") == "unknown"
    with pytest.raises(UserError, match="gone"):
        describe_format(tmp_path / "gone")


def test_tiff_kinds(
    tmp_path: Path,
    points: np.ndarray,
    compression: str,
    write_tiff: Callable[[Path, np.ndarray, str], None],
) -> None:
    write_tiff(tmp_path / "a.tiff", points, compression)
    words = describe_format(tmp_path / "a.tiff")
    assert words.endswith("predictor 3") == ("predictor 3" in compression)
    assert ("LZW" in words) == ("lzw" in compression)
    assert ("no compression" in words) == (
        compression in ("none", "strips", "planes", "big-endian", "bigtiff")
    )
