"""Bad input ends in one line that names the file or key, code 2, nothing half-written."""

import json
import os
import shutil

import numpy as np
import pytest
import yaml

from dcrdf.cli import main
from dcrdf.files.images import read_xyz, write_png, write_xyz

TRAIN = "a/train/good"
GEOMETRY = f"{TRAIN}/xyz/001.tiff"


def cut(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def rewrite_xyz(path, change):
    write_xyz(path, np.ascontiguousarray(change(read_xyz(path)), dtype=np.float32))


def remove_root(root):
    shutil.rmtree(root)
    return str(root)


def remove_images(root):
    for path in (root / "a").rglob("*.*"):
        path.unlink()
    return "a"


def rgb_without_xyz(root):
    (root / GEOMETRY).unlink()
    return "001"


def xyz_without_rgb(root):
    (root / TRAIN / "rgb" / "001.png").unlink()
    return "001"


def other_size(root):
    write_png(root / TRAIN / "rgb" / "001.png", np.zeros((32, 48, 3), np.uint8))
    return "001"


def truncated_png(root):
    cut(root / TRAIN / "rgb" / "001.png")
    return "rgb/001.png"


def truncated_tiff(root):
    cut(root / GEOMETRY)
    return "xyz/001.tiff"


def all_zero_xyz(root):
    rewrite_xyz(root / GEOMETRY, np.zeros_like)
    return "xyz/001.tiff"


def all_nan_xyz(root):
    rewrite_xyz(root / GEOMETRY, lambda xyz: np.full_like(xyz, np.nan))
    return "xyz/001.tiff"


def gt_for_a_missing_image(root):
    write_png(root / "a/test/spot/gt/007.png", np.zeros((64, 64), np.uint8))
    return "007"


def defect_without_gt(root):
    (root / "a/test/spot/gt/001.png").unlink()
    return "001"


def millimetres(root):
    for path in (root / "a").rglob("*.tiff"):
        rewrite_xyz(path, lambda xyz: xyz * 1000.0)
    return "millimetres"


BAD = [
    remove_root, remove_images, rgb_without_xyz, xyz_without_rgb, other_size, truncated_png,
    truncated_tiff, all_zero_xyz, all_nan_xyz, gt_for_a_missing_image, defect_without_gt,
    millimetres,
]  # fmt: skip


@pytest.fixture
def place(tmp_path, make_scans, minimal):
    """A data root, and a function that runs `prepare` on its category a."""
    root = make_scans(tmp_path / "scans", ("a",))
    minimal["dataset"] = {"name": "tiny", "root": str(root), "categories": ["a"]}
    minimal["prepare"] = {"image_size": 64}
    config = tmp_path / "own.yaml"
    config.write_text(yaml.safe_dump(minimal))

    def prepare(out):
        return main(["prepare", "--config", str(config), "--category", "a",
                     "--root", str(root), "--out", str(out)])  # fmt: skip

    return root, prepare


def assert_one_line(capsys, named):
    error = capsys.readouterr().err
    assert error.startswith("dcrdf: error: ")
    assert error.count("\n") == 1
    assert named in error


@pytest.mark.parametrize("spoil", BAD, ids=lambda spoil: spoil.__name__)
def test_bad_scans(place, tmp_path, capsys, spoil):
    root, prepare = place
    named = spoil(root)
    out = tmp_path / "out" / "a.h5"
    assert prepare(out) == 2
    assert_one_line(capsys, named)
    assert not out.exists()
    assert not list(out.parent.glob("*")) if out.parent.exists() else True


def test_sound_scans_are_prepared(place, tmp_path, capsys):
    _, prepare = place
    assert prepare(tmp_path / "out" / "a.h5") == 0
    assert "4 train, 3 validation, 4 test" in capsys.readouterr().out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable_results(place, tmp_path, capsys):
    _, prepare = place
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    assert prepare(folder / "a.h5") == 2
    assert_one_line(capsys, "locked")


def test_results_folder_that_is_a_file(place, tmp_path, capsys):
    _, prepare = place
    (tmp_path / "occupied").write_text("")
    assert prepare(tmp_path / "occupied" / "a.h5") == 2
    assert_one_line(capsys, "occupied")


@pytest.mark.parametrize(
    ("command", "record", "named"),
    [
        ("prepare", {"options": "x"}, "not a stage record"),
        ("prepare", {}, "the record lacks 'layout'"),
        ("prepare", {"options": {"layout": "pdreal", "category": "a", "keep_xyz": False,
                                 "reader": 5}}, "dataset.reader: keys with values"),
        ("prepare", {"options": {"layout": "pdreal", "category": "a", "keep_xyz": False,
                                 "reader": {"unit": "cm"}}}, "dataset.reader.unit"),
        ("prepare", {"options": {"layout": ["folder"], "category": "a", "keep_xyz": False}},
         "layout ['folder'] is unknown"),
        ("train", {}, "the record lacks 'detector'"),
        ("train", {"options": {"detector": "x"}}, "no detector 'x'"),
        ("aggregate", {}, "the record lacks 'jobs'"),
        ("aggregate", {"options": {"jobs": 5}}, "not a record of jobs"),
        ("aggregate", {"options": {"jobs": [5]}}, "not a record of jobs"),
        ("report", {"options": {"jobs": {}}}, "not a record of jobs"),
    ],
)  # fmt: skip
def test_records_of_wrong_content(tmp_path, capsys, command, record, named):
    stage = {"stage": command, "options": {}, "upstream": {}, "version": 1, **record}
    files = {
        "prepare": ["--root", tmp_path, "--out", tmp_path / "a.h5"],
        "train": ["--prepared", tmp_path / "a.h5", "--out", tmp_path / "model"],
    }.get(command, ["--results", tmp_path])
    assert main([command, "--stage", json.dumps(stage), *map(str, files)]) == 2
    assert_one_line(capsys, named)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("layout", "reader", "named"),
    [
        ("zip", ["light=4"], "--layout: no layout 'zip'; allowed: mvtec3d, folder, eyecandies"),
        ("folder", ["light=4"], "dataset.reader: layout 'folder' has no options"),
        ("eyecandies", ["light=6"], "dataset.reader.light"),
        ("eyecandies", ["light=four"], "dataset.reader.light"),
        ("eyecandies", ["scale=NaN"], "dataset.reader"),
        ("eyecandies", ["light"], "--reader: 'light': give KEY=VALUE"),
        ("eyecandies", ["light=4", "light=5"], "--reader: 'light=5': give KEY=VALUE, and each key"),
        ("pdreal", ["unit=1"], "dataset.reader.unit"),
    ],
)
def test_bad_options_of_a_reader(tmp_path, capsys, layout, reader, named):
    given = [x for option in reader for x in ("--reader", option)]
    assert main(["check", str(tmp_path), "--layout", layout, *given]) == 2
    assert_one_line(capsys, named)


def test_options_of_a_reader_reach_it(tmp_path, capsys, make_layout):
    make_layout(tmp_path / "raw", "eyecandies")
    for path in tmp_path.rglob("*_image_*.png"):
        if path.stem[-1] != "5":
            path.unlink()
    options = ["--layout", "eyecandies", "--reader", "light=5", "--reader", "scale=1.0"]
    assert main(["check", str(tmp_path / "raw"), *options, "--reader", "cut=false"]) == 1
    assert "median 2.9" in capsys.readouterr().out
    assert main(["check", str(tmp_path / "raw"), "--layout", "eyecandies"]) == 2
    assert "no images; expected 000_image_4.png" in capsys.readouterr().out


def test_clean_removes_a_link_and_not_what_it_shows(tmp_path, minimal, capsys):
    minimal |= {"results": str(tmp_path / "results")}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(minimal))
    kept = tmp_path / "kept" / "file"
    kept.parent.mkdir()
    kept.write_text("x")
    link = tmp_path / "results/tiny/models/a-seed0-deadbeef"
    link.parent.mkdir(parents=True)
    link.symlink_to(kept.parent)
    assert main(["clean", str(tmp_path / "own.yaml"), "--yes"]) == 0
    assert not link.is_symlink()
    assert kept.exists()
