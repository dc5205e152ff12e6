"""Pictures are shown as their metadata say, in whatever file."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from dcrdf.files.images import read_depth16, read_rgb, read_xyz
from dcrdf.files.orientation import TAG, TURNED, as_shown, known, orientation_in
from dcrdf.files.remarks import Remark

STORED = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[TAG] = orientation
    return tags


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_as_pillow_shows_it(tmp_path: Path, orientation: int) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(STORED).save(path, exif=exif(orientation))
    wanted = np.asarray(ImageOps.exif_transpose(Image.open(path)))
    remarks: list[Remark] = []
    np.testing.assert_array_equal(read_rgb(path, remarks), wanted)
    np.testing.assert_array_equal(as_shown(STORED, orientation), wanted)
    assert remarks == ([] if orientation == 1 else [TURNED])
    np.testing.assert_array_equal(read_rgb(path, as_stored=True), STORED)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_photo_that_was_taken_on_end(tmp_path: Path, orientation: int) -> None:
    smooth = cv2_smooth(STORED)
    path = tmp_path / "a.jpg"
    Image.fromarray(smooth).save(path, quality=98, exif=exif(orientation))
    wanted = as_shown(smooth, orientation).astype(int)
    found = read_rgb(path)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 30


def cv2_smooth(pixels: np.ndarray) -> np.ndarray:
    import cv2

    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 4))


@pytest.mark.parametrize("orientation", [2, 3, 5, 7])
def test_points_and_depth_in_tiffs(tmp_path: Path, orientation: int) -> None:
    xyz = np.random.default_rng(1).random((5, 7, 3)).astype(np.float32)
    depth = np.arange(35, dtype=np.uint16).reshape(5, 7)
    tags = [(TAG, "H", 1, orientation, True)]
    tifffile.imwrite(tmp_path / "xyz.tiff", xyz, photometric="rgb", extratags=tags)
    tifffile.imwrite(tmp_path / "depth.tiff", depth, extratags=tags)
    remarks: list[Remark] = []
    np.testing.assert_array_equal(
        read_xyz(tmp_path / "xyz.tiff", remarks), as_shown(xyz, orientation)
    )
    assert remarks == [TURNED]
    np.testing.assert_array_equal(
        read_depth16(tmp_path / "depth.tiff"), as_shown(depth, orientation)
    )


@pytest.mark.parametrize("value", [None, 0, 9, -1, "6", (6, 6), 6.5])
def test_numbers_that_say_nothing(value: object) -> None:
    assert known(value) == 1


def test_damaged_metadata_turn_nothing() -> None:
    assert orientation_in(b"Exif\x00\x00 and no image", "JPEG") == 1
    assert orientation_in(b"\x89PNG\r\n\x1a\n eXIf", "PNG") == 1
