from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from dcrdf.errors import UserError
from dcrdf.files.images import (
    read_depth16,
    read_rgb,
    read_xyz,
    write_png,
    write_xyz,
)
from dcrdf.files.masks import read_mask

READERS = [read_rgb, read_mask, read_xyz, read_depth16]


@pytest.fixture
def colours() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)


def test_rgb_round_trip(tmp_path: Path, colours: np.ndarray) -> None:
    write_png(tmp_path / "a.png", colours)
    np.testing.assert_array_equal(read_rgb(tmp_path / "a.png"), colours)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1"])
def test_other_png_kinds_become_rgb(tmp_path: Path, colours: np.ndarray, mode: str) -> None:
    image = Image.fromarray(colours).convert(mode)
    image.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_rgb(tmp_path / "a.png"), np.asarray(image.convert("RGB")))


def test_jpeg_is_read_and_a_truncated_one_refused(tmp_path: Path) -> None:
    smooth = np.broadcast_to(np.arange(0, 240, 3, dtype=np.uint8)[:, None, None], (80, 90, 3))
    path = tmp_path / "a.jpg"
    Image.fromarray(np.ascontiguousarray(smooth)).save(path, quality=95)
    assert np.abs(read_rgb(path).astype(int) - smooth).max() <= 4
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match=r"a\.jpg: truncated or damaged JPEG"):
        read_rgb(path)


def test_xyz_keeps_missing_points_as_in_the_file(tmp_path: Path, points: np.ndarray) -> None:
    write_xyz(tmp_path / "a.tiff", points)
    read = read_xyz(tmp_path / "a.tiff")
    assert read.dtype == np.float32
    assert read.flags.c_contiguous
    np.testing.assert_array_equal(read, points)


def test_planar_xyz_is_contiguous(
    tmp_path: Path, points: np.ndarray, write_tiff: Callable[[Path, np.ndarray, str], None]
) -> None:
    write_tiff(tmp_path / "a.tiff", points, "planes")
    read = read_xyz(tmp_path / "a.tiff")
    assert read.flags.c_contiguous
    np.testing.assert_array_equal(read, points)


def test_double_precision_is_narrowed(tmp_path: Path, points: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "a.tiff", points.astype(np.float64), photometric="rgb")
    read = read_xyz(tmp_path / "a.tiff")
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, points)


def test_depth_round_trip_as_png_and_tiff(tmp_path: Path) -> None:
    depth = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
    write_png(tmp_path / "a.png", depth)
    tifffile.imwrite(tmp_path / "a.tiff", depth)
    for name in ("a.png", "a.tiff"):
        np.testing.assert_array_equal(read_depth16(tmp_path / name), depth)


def test_wrong_pixel_types_are_named(tmp_path: Path, colours: np.ndarray) -> None:
    write_png(tmp_path / "deep.png", colours.astype(np.uint16))
    with pytest.raises(UserError, match=r"deep\.png: uint16 pixels; 8-bit colour is expected"):
        read_rgb(tmp_path / "deep.png")
    write_png(tmp_path / "shallow.png", colours[:, :, 0])
    with pytest.raises(UserError, match=r"shallow\.png: uint8 with 1 channels; 16-bit grey"):
        read_depth16(tmp_path / "shallow.png")
    with pytest.raises(UserError, match=r"deep\.png: uint16 with 3 channels"):
        read_depth16(tmp_path / "deep.png")
    tifffile.imwrite(tmp_path / "grey.tiff", np.zeros((4, 5), np.float32))
    with pytest.raises(UserError, match=r"grey\.tiff: shape \(4, 5\); three channels"):
        read_xyz(tmp_path / "grey.tiff")
    tifffile.imwrite(tmp_path / "int.tiff", np.zeros((4, 5, 3), np.uint16), photometric="rgb")
    with pytest.raises(UserError, match=r"int\.tiff: uint16 values; float32 metres"):
        read_xyz(tmp_path / "int.tiff")


@pytest.mark.parametrize("read", READERS)
def test_no_file_no_image_or_another_kind(
    tmp_path: Path, read: Callable[[Path], np.ndarray]
) -> None:
    with pytest.raises(UserError, match=r"gone\.png: cannot read: No such file"):
        read(tmp_path / "gone.png")
    (tmp_path / "text.png").write_text("this is no image at all")
    with pytest.raises(UserError, match=r"text\.png: not a (PNG|TIFF)"):
        read(tmp_path / "text.png")
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"empty\.png: the file is empty"):
        read(tmp_path / "empty.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UserError, match=r"folder\.png: not a file"):
        read(tmp_path / "folder.png")


def test_the_formats_do_not_stand_in_for_each_other(tmp_path: Path, points: np.ndarray) -> None:
    write_xyz(tmp_path / "a.png", points)
    with pytest.raises(UserError, match=r"a\.png: not a PNG or JPEG file"):
        read_rgb(tmp_path / "a.png")
    write_png(tmp_path / "a.tiff", np.zeros((3, 3), np.uint8))
    with pytest.raises(UserError, match=r"a\.tiff: not a TIFF file"):
        read_xyz(tmp_path / "a.tiff")


def test_names_with_odd_characters(tmp_path: Path, colours: np.ndarray) -> None:
    path = tmp_path / "a 'b' $(c)\nd.png"
    write_png(path, colours)
    np.testing.assert_array_equal(read_rgb(path), colours)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(UserError) as caught:
        read_rgb(path)
    assert "\n" not in str(caught.value)
