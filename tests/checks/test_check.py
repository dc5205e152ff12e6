"""The report on a category as a whole."""

import numpy as np

from dcrdf.checks.check import check_category
from dcrdf.config.options import PrepareOptions
from dcrdf.files.images import read_xyz, write_png, write_xyz
from dcrdf.metrics.threshold import images_needed


def test_a_sound_category(root, check, details):
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


def test_processes_change_nothing(root, check, options):
    assert check_category(root, "mvtec3d", "valve", options, processes=2) == check(root)


def test_pairing_stops_the_check(root, good, check, details, options):
    (good / "xyz" / "001.tiff").unlink()
    report = check(root)
    assert report.exit_code == 2
    assert len(report.findings) == 1
    assert "train/good/rgb/001.png: no xyz belongs" in details(report, "layout", "error")
    assert check_category(root, "mvtec3d", "tap", options).exit_code == 2
    assert check_category(root / "gone", "mvtec3d", "valve", options).exit_code == 2


def test_folders_that_are_left_out_are_named(root, check, details):
    (root / "valve" / "test" / "notes").mkdir()
    found = details(check(root), "left out", "warning")
    assert "a folder without scans; a kind of defects needs rgb and xyz" in found
    assert "test/notes" in check(root).to_text()


def test_every_unusable_file_is_listed(root, good, check, details):
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


def test_the_real_sets(shared_data, details):
    table = check_category(shared_data / "sensor", "mvtec3d", "table", PrepareOptions())
    # the publishers' depth really lies 4 to 5 pixels above the colour image
    assert "depth moved 4 px down" in details(table, "alignment")
    assert "field: " in details(table, "mode", "ok")
    road = check_category(shared_data / "sensor", "mvtec3d", "road1", PrepareOptions())
    assert "cannot be judged" in details(road, "alignment")
    warned = {x.what for x in road.findings if x.severity != "ok"}
    assert warned == {"threshold", "alignment", "pairs"}  # no parts whose edges both would show
