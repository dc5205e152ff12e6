import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dcrdf.config.options import PrepareOptions
from dcrdf.files.images import read_rgb, read_xyz, write_png, write_xyz
from dcrdf.metrics.threshold import images_needed
from dcrdf.preparation.check import CheckReport, check_category

OPTIONS = PrepareOptions(image_size=64)


@pytest.fixture
def root(make_scans: Callable[..., Path], tmp_path: Path) -> Path:
    return make_scans(tmp_path / "data", ("valve",))


@pytest.fixture
def good(root: Path) -> Path:
    return root / "valve" / "train" / "good"


def check(root: Path, **changes: object) -> CheckReport:
    return check_category(root, "mvtec3d", "valve", OPTIONS.model_copy(update=changes))


def details(report: CheckReport, what: str, severity: str = "warning") -> str:
    return "\n".join(
        f"{finding.detail} {finding.file}"
        for finding in report.findings
        if (finding.severity, finding.what) == (severity, what)
    )


def test_a_sound_category(root: Path) -> None:
    report = check(root)
    text = report.to_text()
    assert text.splitlines()[0] == "valve"
    assert "train 4, validation 3, test 4 (good 2, spot 2)" in details(report, "samples", "ok")
    assert "8-bit RGB PNG + float32 TIFF, ADOBE_DEFLATE, predictor 3" in text
    assert "64 x 64" in details(report, "size", "ok")
    assert "part: a background plane in 4 of 4" in details(report, "mode", "ok")
    assert "none" in details(report, "duplicates", "ok")
    assert "where they are" in details(report, "alignment", "ok")
    assert details(report, "masks", "ok").startswith("defects cover ")
    assert {finding.what for finding in report.findings if finding.severity != "ok"} == {
        "samples",
        "threshold",
    }
    assert report.exit_code == 1
    threshold = details(report, "threshold", "warning")
    assert threshold.startswith("3 validation images")
    assert f"from {images_needed(0.05)} on" in threshold
    assert "average from 19 on" in threshold
    assert "only 4 for training" in details(report, "samples")


def test_processes_change_nothing(root: Path) -> None:
    assert check_category(root, "mvtec3d", "valve", OPTIONS, processes=2) == check(root)


def test_pairing_stops_the_check(root: Path, good: Path) -> None:
    (good / "xyz" / "001.tiff").unlink()
    report = check(root)
    assert report.exit_code == 2
    assert len(report.findings) == 1
    assert "train/good/rgb/001.png: no xyz belongs" in details(report, "layout", "error")
    assert check_category(root, "mvtec3d", "tap", OPTIONS).exit_code == 2
    assert check_category(root / "gone", "mvtec3d", "valve", OPTIONS).exit_code == 2


def test_every_unusable_file_is_listed(root: Path, good: Path) -> None:
    content = (good / "rgb" / "000.png").read_bytes()
    (good / "rgb" / "000.png").write_bytes(content[:-20])
    write_xyz(good / "xyz" / "001.tiff", np.zeros((64, 64, 3), np.float32))
    write_xyz(good / "xyz" / "002.tiff", read_xyz(good / "xyz" / "002.tiff") * np.float32(1000))
    write_png(good / "rgb" / "003.png", np.zeros((32, 64, 3), np.uint8))
    report = check(root)
    errors = details(report, "file", "error").splitlines()
    assert [line.split("/good/")[1].split(":")[0] for line in errors] == [
        "rgb/000.png",
        "xyz/001.tiff",
        "xyz/002.tiff",
        "xyz/003.tiff",
    ]
    assert "truncated" in errors[0]
    assert "millimetres given as metres" in errors[2]
    assert "no training sample can be used" in details(report, "mode", "error")
    assert report.exit_code == 2


def test_shifted_depth_is_reported(root: Path) -> None:
    for path in root.rglob("*.tiff"):
        write_xyz(path, np.roll(read_xyz(path), (0, 5), (0, 1)))
    assert "depth moved 5 px left" in details(check(root), "alignment")
    for path in root.rglob("*.tiff"):
        write_xyz(path, np.roll(read_xyz(path), (-6, -5), (0, 1)))
    assert "depth moved 6 px down" in details(check(root), "alignment")


def test_duplicates_across_splits(root: Path, good: Path) -> None:
    for part, suffix in (("rgb", "png"), ("xyz", "tiff")):
        shutil.copy(
            good / part / f"001.{suffix}",
            root / "valve" / "test" / "good" / part / f"000.{suffix}",
        )
    found = details(check(root), "duplicates")
    assert "1 images are in more than one split" in found
    assert "valve/train/good/001, valve/test/good/000" in found


def test_an_image_encoded_anew_is_still_a_duplicate(root: Path, good: Path) -> None:
    write_png(good / "rgb" / "002.png", read_rgb(good / "rgb" / "001.png"), level=0)
    found = details(check(root), "duplicates")
    assert "valve/train/good/001, valve/train/good/002" in found
    assert "more than one split" not in found


def test_units_and_signs(root: Path, good: Path) -> None:
    write_xyz(good / "xyz" / "001.tiff", read_xyz(good / "xyz" / "001.tiff") * np.float32(10))
    found = details(check(root), "distance")
    assert re.search(r"4\.4\d m away, the others 0\.44\d m: another unit\?", found)
    assert "train/good/xyz/001.tiff" in found
    for path in root.rglob("*.tiff"):
        write_xyz(path, read_xyz(path) * np.float32([1, 1, -1]))
    assert "change its sign" in details(check(root), "distance")
    for path in root.rglob("*.tiff"):
        write_xyz(path, read_xyz(path) * np.float32([1, 1, -40]))
    assert "are these metres?" in details(check(root), "distance")


def test_much_missing_depth(root: Path, good: Path) -> None:
    xyz = read_xyz(good / "xyz" / "003.tiff")
    xyz[:, 8:] = np.nan
    write_xyz(good / "xyz" / "003.tiff", xyz)
    found = details(check(root), "missing depth")
    assert "87.7% at most" in found or "87.6% at most" in found
    assert "003.tiff" in found


def test_masks_that_contradict_their_folder(root: Path) -> None:
    test = root / "valve" / "test"
    write_png(test / "good" / "gt" / "001.png", np.ones((64, 64), np.uint8))
    write_png(test / "spot" / "gt" / "000.png", np.zeros((64, 64), np.uint8))
    found = details(check(root), "masks")
    assert "the mask of valve/test/good/001 marks a defect" in found
    assert "the mask of valve/test/spot/000 is empty" in found


def test_a_test_split_without_defects(root: Path) -> None:
    shutil.rmtree(root / "valve" / "test" / "spot")
    assert "no defective test images" in details(check(root), "samples")


def test_own_folders_without_masks(root: Path, tmp_path: Path, good: Path) -> None:
    own = tmp_path / "own" / "valve"
    shutil.copytree(good, own / "good")
    shutil.copytree(root / "valve" / "test" / "spot", own / "spot")
    shutil.rmtree(own / "spot" / "gt")
    report = check_category(tmp_path / "own", "folder", "valve", OPTIONS)
    assert "2 of 2 defective images have none" in details(report, "masks")


def test_modes_are_judged(root: Path) -> None:
    assert "set prepare.mode: part" in details(check(root, part_min_share=0.9), "mode")
    assert "field: " in details(check(root, mode="field"), "mode", "ok")
    found = details(check(root, mode="part", foreground_min_mm=50.0), "mode")
    assert "may be mixed up" in found


def test_the_real_sets(shared_data: Path) -> None:
    table = check_category(shared_data / "sensor", "mvtec3d", "table", PrepareOptions())
    # the publishers' depth really lies 4 to 5 pixels above the colour image
    assert "depth moved 4 px down" in details(table, "alignment")
    assert "field: " in details(table, "mode", "ok")
    road = check_category(shared_data / "sensor", "mvtec3d", "road1", PrepareOptions())
    assert "cannot be judged" in details(road, "alignment", "ok")
    assert {x.what for x in road.findings if x.severity != "ok"} == {"threshold"}


@pytest.mark.parametrize("z_m", [65.535, float(np.finfo(np.float32).max)])
def test_numbers_for_no_measurement_are_counted(root: Path, good: Path, z_m: float) -> None:
    xyz = read_xyz(good / "xyz" / "002.tiff").copy()
    xyz[20:40, 20:40, 2] = z_m
    write_xyz(good / "xyz" / "002.tiff", xyz)
    report = check(root)
    found = details(report, "missing depth")
    assert "400 points farther than 50 m are taken as missing" in found
    assert "xyz/002.tiff" in found
    assert not details(report, "heights")


def test_absurd_heights_are_named(root: Path, good: Path) -> None:
    xyz = read_xyz(good / "xyz" / "002.tiff").copy()
    xyz[20:40, 20:40, 2] = 40.0
    write_xyz(good / "xyz" / "002.tiff", xyz)
    found = details(check(root), "heights")
    assert "heights span 35.1 m" in found
    assert found.count("xyz/") == 1
    assert "xyz/002.tiff" in found
