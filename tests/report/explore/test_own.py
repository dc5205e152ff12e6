"""Own scans on the page: heights from points, the highest scores, gauges beside good scans'."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from dcrdf.report.explore import own
from dcrdf.report.explore.own import OwnGallery, OwnModel, heights_mm, small_scan

GOOD = {"fused.score": [0.1, 0.2], "rgb.unusual": [1.0, 1.1], "depth.noise": []}
MODEL = OwnModel(Path("job/model"), 0.5, 0.1, "a note", GOOD)


def tilted_points(height=60, width=90, bump_m=0.0):
    """Points of a tilted plane, 0.5 m away, with a square bump towards the camera."""
    rows, columns = np.indices((height, width)).astype(np.float32)
    z = 0.5 + 0.001 * columns + 0.0005 * rows
    z[28:32, 43:47] -= bump_m
    return np.stack([columns * z, rows * z, z], axis=-1).astype(np.float32)


def scan(name, score, points="plane", not_judged=""):
    picture = np.full((60, 90, 3), 120, np.uint8)
    points_m = tilted_points() if points == "plane" else points
    heat = np.full((60, 90), score, np.float32)
    gauges = {"rgb.unusual": 1.05, "fused.score": score, "depth.noise": 1.0}
    return small_scan(name, score, not_judged, picture, points_m, heat, gauges)


def data_of(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_heights_are_over_the_plane_whatever_the_frame(sign):
    points = tilted_points(bump_m=0.004) * sign
    heights = heights_mm(points)
    assert heights[30, 45] == pytest.approx(4.0, abs=0.15)
    assert np.abs(heights[:20]).max() < 0.15


def test_missing_points_lie_lowest():
    points = tilted_points(bump_m=-0.002)
    points[0, 0] = 0.0
    points[1, 1] = np.nan
    heights = heights_mm(points)
    assert np.isfinite(heights).all()
    assert heights[0, 0] == heights[1, 1] == heights.min()
    assert heights_mm(np.zeros_like(points)) is None


def test_the_page_of_own_scans(tmp_path):
    gallery = OwnGallery(MODEL)
    gallery.add(scan("a", 0.7))
    gallery.add(scan("b", 0.2, points=None))
    gallery.add(scan("c", 0.3, not_judged="too dark"))
    gallery.write(tmp_path / "gallery.html")
    data = data_of(tmp_path / "gallery.html")
    assert data["hasTruth"] is False
    assert [one["name"] for one in data["images"]] == ["a", "b", "c"]
    assert data["images"][0]["aspect"] == 1.5
    run = data["runs"][0]
    assert run["notJudged"] == ["", "", "too dark"]
    assert run["validation"] == [0.1, 0.2]
    assert [bool(text) for text in data["prepared"][0]["heights"]["images"]] == [True, False, True]
    assert [one["title"] for one in data["readings"]] == [
        "colour: how unlike good parts as a whole"
    ]
    assert "3 scans" in (tmp_path / "gallery.html").read_text(encoding="utf-8")


def test_scans_without_any_points(tmp_path):
    gallery = OwnGallery(MODEL)
    gallery.add(scan("a", 0.7, points=None))
    gallery.write(tmp_path / "gallery.html")
    assert data_of(tmp_path / "gallery.html")["prepared"][0]["heights"]["images"] == [""]


def test_no_scan_is_no_page(tmp_path):
    OwnGallery(MODEL).write(tmp_path / "gallery.html")
    assert list(tmp_path.iterdir()) == []


def test_beyond_the_most_the_highest_scores_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(own, "MOST_SCANS", 3)
    gallery = OwnGallery(MODEL)
    for at, score in enumerate([0.5, 0.1, 0.9, 0.7, 0.2]):
        gallery.add(scan(str(at), score))
    gallery.write(tmp_path / "gallery.html")
    assert [one["name"] for one in data_of(tmp_path / "gallery.html")["images"]] == ["0", "2", "3"]
    assert "3 of 5 scans, those with the highest scores" in (tmp_path / "gallery.html").read_text()
