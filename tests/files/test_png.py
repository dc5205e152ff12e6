import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dcrdf.errors import UserError
from dcrdf.files.png import decode_png, write_png

NAME = Path("image.png")


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


@pytest.fixture
def colours() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (21, 17, 3), dtype=np.uint8)


@pytest.fixture
def encoded(tmp_path: Path, colours: np.ndarray) -> bytes:
    write_png(tmp_path / "image.png", colours)
    return (tmp_path / "image.png").read_bytes()


def test_decodes_as_opencv_does(encoded: bytes, colours: np.ndarray) -> None:
    oracle = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    np.testing.assert_array_equal(decode_png(encoded, NAME), oracle)
    np.testing.assert_array_equal(oracle, colours)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_round_trip(tmp_path: Path, dtype: type) -> None:
    pixels = np.arange(12, dtype=dtype).reshape(3, 4) * 20
    write_png(tmp_path / "a.png", pixels)
    decoded = decode_png((tmp_path / "a.png").read_bytes(), NAME)
    assert decoded.dtype == dtype
    np.testing.assert_array_equal(decoded, pixels)


def test_masks_are_written_as_0_and_255(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", np.eye(3, dtype=bool))
    assert set(np.unique(np.asarray(Image.open(tmp_path / "a.png")))) == {0, 255}


@pytest.mark.parametrize(
    "pixels", [np.zeros((2, 2), np.float32), np.zeros((2, 2, 2), np.uint8), np.zeros((2, 2), int)]
)
def test_what_a_png_cannot_hold_is_refused(tmp_path: Path, pixels: np.ndarray) -> None:
    with pytest.raises(ValueError):
        write_png(tmp_path / "a.png", pixels)
    assert list(tmp_path.iterdir()) == []


def test_every_truncation_is_noticed(encoded: bytes) -> None:
    for length in range(8, len(encoded)):
        with pytest.raises(UserError, match=r"image\.png: truncated PNG"):
            decode_png(encoded[:length], NAME)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_flipped_bit_goes_unnoticed(data: st.DataObject) -> None:
    pixels = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    encoded = bytearray(cv2.imencode(".png", pixels)[1].tobytes())
    position = data.draw(st.integers(8, len(encoded) - 1))
    encoded[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(UserError, match=r"image\.png"):
        decode_png(bytes(encoded), NAME)


def test_a_huge_declared_size_is_refused_by_the_header(encoded: bytes) -> None:
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    huge = encoded[:8] + chunk(b"IHDR", header) + encoded[33:]
    with pytest.raises(UserError, match="declares 100000 x 100000 pixels"):
        decode_png(huge, NAME)


@pytest.mark.parametrize("size", [(0, 5), (5, 0)])
def test_empty_images_are_refused(encoded: bytes, size: tuple[int, int]) -> None:
    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    with pytest.raises(UserError, match="empty"):
        decode_png(encoded[:8] + chunk(b"IHDR", header) + encoded[33:], NAME)


def test_a_size_that_the_data_does_not_fill_is_refused(encoded: bytes) -> None:
    header = struct.pack(">IIBBBBB", 17, 500, 8, 2, 0, 0, 0)
    with pytest.raises(UserError, match="damaged PNG"):
        decode_png(encoded[:8] + chunk(b"IHDR", header) + encoded[33:], NAME)


def test_a_missing_image_behind_a_valid_header_is_refused(encoded: bytes) -> None:
    with pytest.raises(UserError, match="damaged PNG"):
        decode_png(encoded[:33] + chunk(b"IEND", b""), NAME)
