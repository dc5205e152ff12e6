"""Raw scans, textures and weights are there, can be made, or are named before anything runs."""

import hashlib
import os
from pathlib import Path

import pytest

from dcrdf.config import sources
from dcrdf.config.sources import EMBEDDED_CATEGORIES, SYNTHETIC_SIGN
from dcrdf.datasets.synthetic.generate import CATEGORIES
from dcrdf.errors import UserError
from dcrdf.files.digests import sha256_of_file


@pytest.mark.parametrize(
    ("name", "named"),
    [
        (b"{seed}.png", "braces"),
        (b"<b>.png", "angle brackets"),
        (b"\xff\xfe.png", r"\\xff\\xfe.png: the name is not UTF-8"),
    ],
)
def test_scans_whose_names_no_rule_could_hold_are_refused(plan_of, minimal, tmp_path, name, named):
    folder = tmp_path / "a" / "train" / "good" / "rgb"
    folder.mkdir(parents=True)
    Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(b"x")
    minimal["dataset"] |= {"root": str(tmp_path), "synthetic": None, "categories": ["a"]}
    with pytest.raises(UserError, match=named):
        plan_of(minimal).check()


@pytest.mark.parametrize("place", ["all", "test/all"])
def test_a_kind_that_tables_call_all_of_them_is_refused(plan_of, minimal, tmp_path, place):
    folder = tmp_path / "a" / place / "rgb"
    folder.mkdir(parents=True)
    (folder / "000.png").write_bytes(b"x")
    minimal["dataset"] |= {"root": str(tmp_path), "synthetic": None, "categories": ["a"]}
    with pytest.raises(UserError, match=f"{place}: 'all' stands for all kinds of defects"):
        plan_of(minimal).check()


def test_own_folder_is_read_file_by_file(plan_of, minimal, tmp_path):
    folder = tmp_path / "a" / "train" / "good" / "rgb"
    folder.mkdir(parents=True)
    (folder / "000.png").write_bytes(b"x")
    minimal["dataset"] |= {"root": str(tmp_path), "synthetic": None}
    assert plan_of(minimal).sources.raw_inputs("a") == [folder / "000.png"]


def test_missing_root_is_named(plan_of, minimal, tmp_path):
    minimal["dataset"] |= {"root": str(tmp_path / "nowhere"), "synthetic": None}
    with pytest.raises(UserError, match="nowhere"):
        plan_of(minimal).sources.raw_inputs("a")


def test_a_half_removed_embedded_category_is_made_anew(plan_of, minimal, tmp_path):
    """Its marker is gone but not the sign beside it: not the user's own folder."""
    (tmp_path / "flange").mkdir()
    (tmp_path / "flange" / SYNTHETIC_SIGN).touch()
    minimal["dataset"] |= {"root": str(tmp_path), "categories": ["flange"]}
    sources = plan_of(minimal).sources
    assert sources.raw_inputs("flange") == [sources.synthetic_marker("flange")]


def test_synthetic_left_standing_for_own_data_is_refused(plan_of, minimal, tmp_path):
    """Own scans below an embedded category's name, and a category that cannot be made."""
    minimal["dataset"] |= {"root": str(tmp_path), "categories": ["flange"]}
    plan_of(minimal).check()
    (tmp_path / "flange" / "good").mkdir(parents=True)
    with pytest.raises(UserError, match=r"flange holds data that dcrdf did not make"):
        plan_of(minimal).check()
    minimal["dataset"]["categories"] = ["bracket"]
    with pytest.raises(UserError, match=r"dataset\.synthetic: makes .*, not 'bracket'"):
        plan_of(minimal).check()


def test_embedded_categories_are_those_that_can_be_made():
    assert set(EMBEDDED_CATEGORIES) == set(CATEGORIES)


def test_a_mistyped_category_lists_those_that_are_there(plan_of, minimal, tmp_path):
    for name in ("bracket", "valve", ".cache"):
        (tmp_path / name).mkdir()
    minimal["dataset"] |= {"root": str(tmp_path), "synthetic": None, "categories": ["brackt"]}
    with pytest.raises(UserError, match=r"/brackt: no such folder; .* there are: bracket, valve$"):
        plan_of(minimal).check()


def test_a_made_category_that_the_configuration_does_not_know_of_is_called_that(
    plan_of, minimal, tmp_path
):
    (tmp_path / "flange").mkdir()
    (tmp_path / "flange" / SYNTHETIC_SIGN).touch()
    minimal["dataset"] |= {"root": str(tmp_path), "categories": ["flange"], "synthetic": None}
    with pytest.raises(
        UserError, match=r"flange: made by `dcrdf synthesize`; .*dataset\.synthetic"
    ):
        plan_of(minimal).check()


def pinned_config(minimal, tmp_path):
    """A teacher and the points' network as their SHA-256 say, and data that can be made."""
    files = {name: tmp_path / f"{name}.pth" for name in ("teacher", "points")}
    for name, path in files.items():
        path.write_text(name)
    digests = {name: hashlib.sha256(name.encode()).hexdigest() for name in files}
    minimal["dataset"] |= {"root": str(tmp_path / "made"), "categories": ["flange", "cracker"]}
    minimal["teacher"] = {
        "name": "wide_resnet50_2", "weights": str(files["teacher"]), "sha256": digests["teacher"],
    }  # fmt: skip
    options = {
        "geometry": "point_mae",
        "geometry_weights": str(files["points"]),
        "geometry_sha256": digests["points"],
    }
    minimal["runs"] = {"one": {"detector": "resilient", "preset": "default", "options": options}}
    return minimal, files


@pytest.mark.parametrize(
    ("name", "key"), [("teacher", "teacher.weights"), ("points", "options.geometry_weights")]
)
def test_pinned_files_that_are_missing_or_others_stop_a_plan(plan_of, minimal, tmp_path, name, key):
    config, files = pinned_config(minimal, tmp_path)
    plan_of(config).check()
    files[name].write_text("another")
    digest = hashlib.sha256(b"another").hexdigest()
    with pytest.raises(UserError, match=f"config: {key}: .*{name}.pth: not the file of .*{digest}"):
        plan_of(config).check()
    files[name].unlink()
    with pytest.raises(UserError, match=f"config: {key}: .*{name}.pth: no such file"):
        plan_of(config).check()


def test_a_pinned_file_is_read_once_for_all_jobs(plan_of, minimal, tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(sources, "sha256_of_file", lambda x: read.append(x) or sha256_of_file(x))
    config, files = pinned_config(minimal, tmp_path)
    plan_of(config).check()
    assert sorted(read) == sorted(files.values())
