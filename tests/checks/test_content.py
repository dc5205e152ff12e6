"""Findings about what a category holds."""

import shutil

import numpy as np
from PIL import Image

from dcrdf.checks.check import check_category
from dcrdf.files.images import read_rgb, write_png
from dcrdf.files.orientation import TAG, TURNED


def test_duplicates_across_splits(root, good, check, details):
    for part, suffix in (("rgb", "png"), ("xyz", "tiff")):
        shutil.copy(
            good / part / f"001.{suffix}",
            root / "valve" / "test" / "good" / part / f"000.{suffix}",
        )
    found = details(check(root), "duplicates")
    assert "1 images are in more than one split" in found
    assert "valve/train/good/001, valve/test/good/000" in found


def test_an_image_encoded_anew_is_still_a_duplicate(root, good, check, details):
    write_png(good / "rgb" / "002.png", read_rgb(good / "rgb" / "001.png"), level=0)
    found = details(check(root), "duplicates")
    assert "valve/train/good/001, valve/train/good/002" in found
    assert "more than one split" not in found


def test_masks_that_contradict_their_folder(root, check, details):
    test = root / "valve" / "test"
    write_png(test / "good" / "gt" / "001.png", np.eye(64, dtype=np.uint8))
    write_png(test / "spot" / "gt" / "000.png", np.zeros((64, 64), np.uint8))
    found = details(check(root), "masks")
    assert "the mask of a good sample marks a defect: 1 scans (valve/test/good/001)" in found
    assert "the mask of a defective sample is empty: 1 scans (valve/test/spot/000)" in found


def test_a_test_split_without_defects(root, check, details):
    shutil.rmtree(root / "valve" / "test" / "spot")
    assert "no defective test images" in details(check(root), "samples")


def test_own_folders_without_masks(root, tmp_path, good, options, details):
    own = tmp_path / "own" / "valve"
    shutil.copytree(good, own / "good")
    shutil.copytree(root / "valve" / "test" / "spot", own / "spot")
    shutil.rmtree(own / "spot" / "gt")
    report = check_category(tmp_path / "own", "folder", "valve", options)
    assert "2 of 2 defective images have none" in details(report, "masks")


def test_a_grey_image_among_coloured_ones_is_named(root, good, check, details):
    """However it is stored; images of one kind are no finding."""
    assert not details(check(root), "formats")
    for path in (root / "valve").rglob("rgb/*.png"):
        if path != good / "rgb" / "001.png":
            pixels = read_rgb(path).copy()
            pixels[..., 0] //= 2
            write_png(path, pixels)
    found = details(check(root), "formats")
    assert "1 images are grey, 10 coloured" in found
    assert "train/good/rgb/001.png" in found


def test_what_was_put_right_in_files_is_told(root, good, check, details):
    for name in ("001", "002"):
        path = good / "rgb" / f"{name}.png"
        exif = Image.Exif()
        exif[TAG] = 8
        Image.fromarray(np.rot90(read_rgb(path), -1).copy()).save(path, exif=exif)
    found = details(check(root), "orientation")
    assert f"{TURNED.detail}: 2 scans (valve/train/good/001, valve/train/good/002)" in found
    assert "train/good/rgb/001.png" in found
    assert not details(check(root), "duplicates")


def test_an_inverted_mask_is_an_error(root, check, details):
    path = root / "valve" / "test" / "spot" / "gt" / "001.png"
    write_png(path, 255 - read_rgb(path)[..., 0])
    report = check(root)
    assert report.exit_code == 2
    assert "gt/001.png: marks 9" in details(report, "file", "error")
