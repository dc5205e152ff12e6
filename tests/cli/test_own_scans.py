"""Which files `predict` takes together."""

from pathlib import Path

import pytest

from dcrdf.cli.own_scans import OwnScans, distinct
from dcrdf.errors import UserError


def test_two_scans_of_one_name_are_both_named():
    with pytest.raises(UserError, match=r"b/1\.png: a/1\.png has the same name"):
        distinct([Path("a/1.png"), Path("a/2.png"), Path("b/1.png")])


def test_a_file_given_twice_counts_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    files = [Path("a/1.png"), tmp_path / "a/1.png", Path("a/../a/1.png"), Path("2.png")]
    assert distinct(files) == [files[0], files[3]]


def test_a_folder_of_geometry_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"--geometry: .*/nope: no such folder"):
        OwnScans(tmp_path / "nope", None, None)
