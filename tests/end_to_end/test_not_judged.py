"""Dead and wrong sensors through the real commands: not judged, and never good."""

import csv
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

import dcrdf
from dcrdf.cli import main
from dcrdf.errors import UserError
from dcrdf.files.images import read_rgb, read_xyz, write_png, write_xyz
from dcrdf.files.locks import only_writer
from dcrdf.report.overlay import NOT_JUDGED_COLOUR
from dcrdf.results.maps import open_maps

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("by_hand")]
GENERATOR = np.random.default_rng(0)


def noisy(xyz):
    return xyz * (1 + 0.03 * GENERATOR.standard_normal((*xyz.shape[:2], 1))).astype(np.float32)


def flat(xyz):
    return np.where((xyz[..., 2:] != 0), xyz * [1, 1, 0] + [0, 0, 0.45], 0).astype(np.float32)


def holed(xyz):
    return np.where((np.indices(xyz.shape[:2]) % 24 < 14).all(axis=0)[..., None], 0, xyz)


DEAD = {
    "lens cap": (lambda rgb, xyz: (0 * rgb, xyz), "too dark"),
    "lamp off": (lambda rgb, xyz: (GENERATOR.poisson(2, rgb.shape).astype("u1"), xyz), "too dark"),
    "over-exposed": (lambda rgb, xyz: (np.full_like(rgb, 255), xyz), "too bright"),
    "one grey": (lambda rgb, xyz: (np.full_like(rgb, 110), xyz), "next to nothing"),
    "defocused": (
        lambda rgb, xyz: (cv2.GaussianBlur(rgb, (0, 0), 9.0), xyz),
        "blurred",
    ),
    "static": (lambda rgb, xyz: (GENERATOR.integers(0, 256, rgb.shape, np.uint8), xyz), ""),
    "centimetres": (lambda rgb, xyz: (rgb, 100 * xyz), "another unit"),
    "tenths of millimetres": (lambda rgb, xyz: (rgb, 10 * xyz), "another unit"),
    "focal length": (
        lambda rgb, xyz: (rgb, xyz * np.float32([3, 3, 1])),
        "camera file",
    ),
    "95 % missing": (
        lambda rgb, xyz: (rgb, xyz * (GENERATOR.random((*xyz.shape[:2], 1)) < 0.05)),
        "of its depth was measured",
    ),
    "a third of the part missing": (lambda rgb, xyz: (rgb, holed(xyz)), "times as unusual"),
    "constant depth": (lambda rgb, xyz: (rgb, flat(xyz)), "no part"),
    "noisy depth": (lambda rgb, xyz: (rgb, noisy(xyz)), "times as noisy"),
    "both": (lambda rgb, xyz: (0 * rgb, 100 * xyz), "; its colour image"),
}
"""What becomes of a scan, and a word of the reason."""


@pytest.fixture(scope="module")
def job(tmp_path_factory, make_scans, make_job):
    """A memory bank's job on small discs; the last good test scan is black."""
    folder = tmp_path_factory.mktemp("job")
    root = make_scans(folder / "scans", ("a",))
    good = root / "a/test/good"
    write_png(good / "rgb/009.png", 0 * read_rgb(good / "rgb/000.png"))
    for kind in ("xyz", "gt"):
        (source,) = (good / kind).glob("000.*")
        shutil.copy(source, source.with_stem("009"))
    return make_job(folder, root)


def predict(job, *arguments):
    return main(["predict", str(job / "job"), *map(str, arguments)])


def verdicts(out):
    return {Path(row["image"]).stem: row for row in csv.DictReader((out / "scores.csv").open())}


@pytest.fixture(scope="module")
def dead_scans(job):
    """Every dead sensor's scan of a defective part, beside the part as it is and a good one."""
    folder = job / "dead"
    for kind in ("good", "spot"):
        source = job / "scans/a/test" / kind
        rgb, xyz = read_rgb(source / "rgb/000.png"), read_xyz(source / "xyz/000.tiff")
        write_png(folder / "rgb" / f"{kind}.png", rgb)
        write_xyz(folder / "xyz" / f"{kind}.tiff", xyz)
    for name, (change, _) in DEAD.items():
        bad_rgb, bad_xyz = change(rgb, xyz)
        write_png(folder / "rgb" / f"{name}.png", bad_rgb)
        write_xyz(folder / "xyz" / f"{name}.tiff", bad_xyz.astype(np.float32))
    return folder


def test_points_of_another_frame_are_refused(job, dead_scans, tmp_path, capsys):
    rgb, xyz = (read_rgb(dead_scans / "rgb/good.png"), read_xyz(dead_scans / "xyz/good.tiff"))
    write_png(tmp_path / "rgb/swapped.png", rgb)
    write_xyz(tmp_path / "xyz/swapped.tiff", xyz[..., ::-1].copy())
    assert predict(job, tmp_path / "rgb/swapped.png", "--out", tmp_path / "out") == 2
    assert "its points are not in a camera's frame" in capsys.readouterr().err


def test_a_dead_sensor_is_no_good_part(job, dead_scans, tmp_path, capsys):
    images = sorted((dead_scans / "rgb").iterdir())
    assert predict(job, *images, "--out", tmp_path / "out") == 3
    rows = verdicts(tmp_path / "out")
    assert rows.keys() == {"good", "spot", *DEAD}
    for name, (_, word) in DEAD.items():
        assert rows[name]["verdict"] == "not judged", name
        assert rows[name]["remark"].startswith("not judged: ")
        assert word in rows[name]["remark"], rows[name]
        corner = read_rgb(tmp_path / "out" / f"{name}_heat.png")[0, 0]
        assert tuple(corner) == NOT_JUDGED_COLOUR
    assert {rows[name]["verdict"] for name in ("good", "spot")} <= {"good", "defective"}
    assert tuple(read_rgb(tmp_path / "out/good_heat.png")[0, 0]) != NOT_JUDGED_COLOUR
    printed = capsys.readouterr()
    assert "lens cap.png: not judged: its colour image is too dark" in printed.out
    assert f"dcrdf: {len(DEAD)} of {len(images)} scans are not judged" in printed.err


def test_judged_anyway_where_one_says_so(job, dead_scans, tmp_path, capsys):
    image = dead_scans / "rgb" / "lens cap.png"
    call = (image, "--out", tmp_path / "out", "--judge-anyway")
    assert predict(job, *call) == 0
    row = verdicts(tmp_path / "out")["lens cap"]
    assert row["verdict"] in ("good", "defective")
    assert row["remark"].startswith("judged anyway: its colour image is too dark")
    assert "judged anyway" in capsys.readouterr().err
    with pytest.raises(SystemExit) as refused:
        predict(job, image, "--out", tmp_path / "no", "--judge-anyway=perhaps")
    assert refused.value.code == 2
    assert not (tmp_path / "no").exists()


def test_an_unusable_scan_outranks_one_that_is_not_judged(job, dead_scans, tmp_path):
    images = [dead_scans / "rgb/lens cap.png", dead_scans / "rgb/absent.png"]
    assert predict(job, *images, "--out", tmp_path / "out") == 2
    rows = verdicts(tmp_path / "out")
    assert {row["verdict"] for row in rows.values()} == {"not judged"}
    assert [bool(rows[name]["score"]) for name in ("lens cap", "absent")] == [True, False]


def test_python_says_the_same(job, dead_scans):
    model = dcrdf.load(job / "job/model", device="cpu")
    assert model.lacks == ""
    rgb = read_rgb(dead_scans / "rgb/good.png")
    xyz = read_xyz(dead_scans / "xyz/good.tiff")
    assert model.predict(rgb, xyz).word in ("good", "defective")
    for verdict in (model.predict(0 * rgb, xyz), model.predict(0 * rgb, None),
                    model.predict(rgb, 100 * xyz), model.predict(None, 100 * xyz)):  # fmt: skip
        assert verdict.word == "not judged"
        with pytest.raises(UserError, match="not judged"):
            _ = verdict.is_defective
    anyway = dcrdf.load(job / "job/model", device="cpu", judge_anyway=True)
    found, same = anyway.predict(0 * rgb, xyz), model.predict(0 * rgb, xyz)
    assert found.score == same.score
    assert found.is_defective == (found.score > found.threshold)
    assert found.doubt == same.not_judged
    for bad in ("no", 1, None):
        with pytest.raises(UserError, match="judge_anyway: True or False is expected"):
            dcrdf.load(job / "job/model", judge_anyway=bad)


def test_good_scans_are_judged(job, tmp_path):
    images = [
        path
        for split in ("train", "validation", "test")
        for path in sorted((job / "scans/a" / split / "good/rgb").iterdir())
        if path.stem != "009"
    ]
    for path in images:
        assert predict(job, path, "--out", tmp_path / path.parents[2].name / path.stem) == 0


def test_infer_says_which_test_images_are_not_judged(job):
    with open_maps(job / "job/maps.h5") as maps:
        found = dict(zip(maps.names, maps.not_judged, strict=True))
        assert np.isfinite(maps.scores("fused")).all()
    assert found.pop("009").startswith("its colour image is too dark")
    assert set(found.values()) == {""}


def test_an_older_model_says_what_it_lacks(job, dead_scans, tmp_path, capsys):
    old = tmp_path / "model"
    shutil.copytree(job / "job/model", old)
    path = old / "detector.json"
    description = json.loads(path.read_text())
    usual = description["scoring"].pop("usual_scans")
    path.write_text(json.dumps(description))
    image = str(dead_scans / "rgb/lens cap.png")
    assert main(["predict", str(old), image, "--out", str(tmp_path / "out")]) == 0
    assert f"{old}: of an older version: a dead sensor" in capsys.readouterr().err
    for damaged in ({"distance": [1.0]}, {"distance": None}, {"weight": [1.0, 2.0]}, [usual]):
        description["scoring"]["usual_scans"] = damaged
        path.write_text(json.dumps(description))
        with pytest.raises(UserError, match=r"detector\.json: "):
            dcrdf.load(old)


def test_two_predictions_into_one_folder(job, dead_scans, tmp_path, capsys):
    image = dead_scans / "rgb/good.png"
    out = tmp_path / "out"
    with only_writer(out):
        assert predict(job, image, "--out", out) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert f"{out}: another process is writing to it" in error
        assert not list(out.iterdir())
    assert predict(job, image, "--out", out) == 0


def test_a_killed_call_is_told_from_a_whole_one(job, dead_scans, tmp_path, capsys):
    image = dead_scans / "rgb/good.png"
    out = tmp_path / "out"
    assert predict(job, image, "--out", out) == 0
    (out / "scores.csv").rename(out / "scores.csv.unfinished")
    other = dead_scans / "rgb/spot.png"
    capsys.readouterr()
    assert predict(job, other, "--out", out) == 2
    assert "scores.csv.unfinished: of a call that was broken off" in capsys.readouterr().err
    assert predict(job, other, "--out", out, "--overwrite") == 0
    names = {path.name for path in out.iterdir()}
    assert names == {"scores.csv", "gallery.html", "spot_heat.png"}


def test_what_is_no_colour_image_is_named(job, tmp_path, capsys):
    folder = job / "scans/a/test/good"
    out = tmp_path / "out"
    assert predict(job, folder / "rgb", "--out", out) == 2
    assert "rgb: a folder; give the scans in it" in capsys.readouterr().err
    assert predict(job, folder / "xyz/000.tiff", "--out", out) == 2
    assert "points, not 8-bit colour; give the colour images" in capsys.readouterr().err
    assert not out.exists()
