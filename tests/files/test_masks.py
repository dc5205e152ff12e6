"""A mask has two values: what else is in it is read at the half, or refused."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from dcrdf.errors import UserError
from dcrdf.files.images import write_png
from dcrdf.files.masks import LARGE, SHADED, marked_by, read_mask
from dcrdf.files.orientation import TAG, TURNED
from dcrdf.files.remarks import Remark

SIDE = 96
SPOT = np.hypot(*(np.mgrid[:SIDE, :SIDE] - [[[40]], [[50]]])) < 6
WHITE = SPOT.astype(np.uint8) * 255


def read(path: Path) -> tuple[np.ndarray, list[Remark]]:
    remarks: list[Remark] = []
    return read_mask(path, remarks), remarks


def in_colour(colour: tuple[int, int, int]) -> Image.Image:
    return Image.fromarray((SPOT[..., None] * np.array(colour)).astype(np.uint8))


def labelme() -> Image.Image:
    image = Image.fromarray(SPOT.astype(np.uint8), "P")
    image.putpalette([0, 0, 0, 128, 0, 0])
    return image


TWO_VALUED: dict[str, Callable[[], Image.Image]] = {
    "255": lambda: Image.fromarray(WHITE),
    "1": lambda: Image.fromarray(SPOT.astype(np.uint8)),
    "236": lambda: Image.fromarray(SPOT.astype(np.uint8) * np.uint8(236)),
    "16 bit": lambda: Image.fromarray(SPOT.astype(np.uint16) * np.uint16(300)),
    "1 bit": lambda: Image.fromarray(SPOT),
    "red": lambda: in_colour((255, 0, 0)),
    "blue": lambda: in_colour((0, 0, 128)),
    "palette": labelme,
    "LA": lambda: Image.fromarray(WHITE).convert("LA"),
    "RGBA": lambda: Image.fromarray(WHITE).convert("RGBA"),
}


@pytest.mark.parametrize("kind", TWO_VALUED)
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_two_values_are_taken_as_they_are(tmp_path: Path, kind: str, suffix: str) -> None:
    TWO_VALUED[kind]().save(tmp_path / f"gt.{suffix}")
    mask, remarks = read(tmp_path / f"gt.{suffix}")
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, SPOT)
    assert remarks == []


@pytest.mark.parametrize("values", [SPOT, SPOT.astype(np.float32), SPOT * 0.25])
def test_tiffs_of_other_types(tmp_path: Path, values: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "gt.tiff", values)
    np.testing.assert_array_equal(read(tmp_path / "gt.tiff")[0], SPOT)


@pytest.mark.parametrize("quality", [30, 75, 95])
@pytest.mark.parametrize("name", ["gt.jpg", "gt.png"])
def test_traces_of_compression_do_not_grow_the_defect(
    tmp_path: Path, quality: int, name: str
) -> None:
    Image.fromarray(WHITE).save(tmp_path / "gt.jpg", quality=quality)
    Image.open(tmp_path / "gt.jpg").save(tmp_path / name, quality=quality)
    mask, remarks = read(tmp_path / name)
    assert np.count_nonzero(mask ^ SPOT) < 0.1 * SPOT.sum()
    assert remarks == [SHADED]
    assert np.count_nonzero(np.asarray(Image.open(tmp_path / name)) > 0) > 1.5 * SPOT.sum()


@pytest.mark.parametrize("sigma_px", [0.6, 1.5])
@pytest.mark.parametrize("top", [255, 65535])
def test_soft_edges_are_taken_at_the_half(tmp_path: Path, sigma_px: float, top: int) -> None:
    soft = cv2.GaussianBlur(SPOT.astype(np.float64), (0, 0), sigma_px)
    kind = np.uint8 if top == 255 else np.uint16
    write_png(tmp_path / "gt.png", np.rint(soft * top).astype(kind))
    mask, remarks = read(tmp_path / "gt.png")
    assert np.count_nonzero(mask ^ SPOT) < 0.12 * SPOT.sum()
    assert remarks == [SHADED]


def test_a_few_levels_along_edges_are_shades_not_classes() -> None:
    """As drawn at twice the size and averaged: 64, 128, 191."""
    y, x = np.mgrid[: 2 * SIDE, : 2 * SIDE]
    drawn = 255.0 * (np.hypot(x - 100.2, y - 80.7) < 13.3)
    values = np.rint(drawn.reshape(SIDE, 2, SIDE, 2).mean(axis=(1, 3))).astype(np.uint8)
    assert np.unique(values).tolist() == [0, 64, 128, 191, 255]
    marked, is_shaded = marked_by(values, Path("gt.png"))
    assert is_shaded
    np.testing.assert_array_equal(marked, values >= 128)


def test_the_half_counts_as_defect() -> None:
    path = Path("gt.png")
    values = np.zeros((20, 20), np.uint8)
    values[5, 5:9] = [250, 125, 124, 20]
    values[10:15, 10:15] = 250
    marked, is_shaded = marked_by(values, path)
    assert is_shaded
    assert marked[5, 5:9].tolist() == [True, True, False, False]


@pytest.mark.parametrize("levels", [(1, 7), (2, 1, 3), (236, 255), (50, 255), (80, 160, 240)])
def test_classes_are_all_defects(levels: tuple[int, ...]) -> None:
    values = np.zeros((40, 80), np.uint8)
    for number, level in enumerate(levels):
        values[4:14, 4 + 16 * number : 14 + 16 * number] = level
    marked, is_shaded = marked_by(values, Path("gt.png"))
    assert not is_shaded
    np.testing.assert_array_equal(marked, values > 0)


@pytest.mark.parametrize("kind", ["photo", "heat map"])
def test_a_picture_is_no_mask(tmp_path: Path, kind: str) -> None:
    y, x = np.mgrid[:SIDE, :SIDE]
    noise = np.random.default_rng(0).normal(120, 40, (SIDE, SIDE))
    values = noise if kind == "photo" else 255 * np.exp(-np.hypot(x - 40, y - 50) / 20)
    write_png(tmp_path / "gt.png", np.clip(values, 0, 255).astype(np.uint8))
    with pytest.raises(UserError, match=r"gt\.png: .* shades: a picture, not a mask\?"):
        read_mask(tmp_path / "gt.png")


def test_an_inverted_mask_is_refused_and_a_large_one_remarked(tmp_path: Path) -> None:
    write_png(tmp_path / "gt.png", 255 - WHITE)
    with pytest.raises(UserError, match=r"marks 98\.\d% of the image, its border too: inverted\?"):
        read_mask(tmp_path / "gt.png")
    large = np.zeros((SIDE, SIDE), np.uint8)
    large[1:-1, 1:-1] = 255  # all but the border
    write_png(tmp_path / "gt.png", large)
    mask, remarks = read(tmp_path / "gt.png")
    np.testing.assert_array_equal(mask, large > 0)
    assert remarks == [LARGE]
    large[20:, 1:-1] = 0
    write_png(tmp_path / "gt.png", large)
    assert read(tmp_path / "gt.png")[1] == []


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_numbers_that_mark_nothing_are_refused(tmp_path: Path, value: float) -> None:
    values = SPOT.astype(np.float32)
    values[0, 0] = value
    tifffile.imwrite(tmp_path / "gt.tiff", values)
    with pytest.raises(UserError, match=r"gt\.tiff: float32 values; a mask is 0 where"):
        read_mask(tmp_path / "gt.tiff")


def test_an_empty_mask_is_one(tmp_path: Path) -> None:
    write_png(tmp_path / "gt.png", np.zeros((5, 6), np.uint8))
    mask, remarks = read(tmp_path / "gt.png")
    assert not mask.any()
    assert mask.shape == (5, 6)
    assert remarks == []


def test_a_mask_is_turned_as_its_file_says(tmp_path: Path) -> None:
    tag = (TAG, "H", 1, 6, True)
    tifffile.imwrite(tmp_path / "gt.tiff", np.rot90(WHITE), extratags=[tag])
    mask, remarks = read(tmp_path / "gt.tiff")
    np.testing.assert_array_equal(mask, SPOT)
    assert remarks == [TURNED]
