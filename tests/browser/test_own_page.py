"""The page over own scans: no truth, any shape, some without heights."""

import re
from pathlib import Path

import numpy as np
import pytest

from dcrdf.report.explore.own import OwnGallery, OwnModel, small_scan

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def own_page(tmp_path_factory) -> Path:
    """Five scans, wider than high: two defective, one not judged, one without points."""
    good = {"fused.score": [0.1, 0.3], "rgb.unusual": [1.0, 1.1]}
    gallery = OwnGallery(OwnModel(Path("it's/model"), 0.5, 0.1, "a note", good))
    rng = np.random.default_rng(0)
    rows, columns = np.indices((40, 80)).astype(np.float32)
    for at, score in enumerate([0.2, 0.9, 0.4, 0.7, 0.3]):
        z = 0.5 + 0.0001 * rows - 0.002 * ((rows - 20) ** 2 + (columns - 40) ** 2 < 100)
        points = np.stack([columns, rows, z], axis=-1).astype(np.float32)
        picture = rng.integers(0, 255, (40, 80, 3), dtype=np.uint8)
        heat = np.where(columns < 40, score, 0.1).astype(np.float32)
        gauges = {"fused.score": score, "rgb.unusual": 1.0 + 0.1 * at}
        reason = "too dark" if at == 2 else ""
        scan = small_scan(f"part{at}", score, reason, picture, None if at == 4 else points, heat,
                          gauges)  # fmt: skip
        gallery.add(scan)
    path = tmp_path_factory.mktemp("own") / "gallery.html"
    gallery.write(path)
    return path


def test_highest_scores_first_and_verdicts_of_the_model(open_page, own_page):
    page = open_page(own_page)
    assert page.labels() == ["part1", "part3", "part2", "part4", "part0"]
    page.keyboard.press("1")
    page.settle()
    assert page.labels() == ["part1", "part3"]
    page.keyboard.press("3")
    page.settle()
    assert page.labels() == ["part2"]
    assert "too dark" in page.inner_text("#not-judged")


def test_the_threshold_moves_verdicts(open_page, own_page):
    page = open_page(own_page)
    page.fill("#threshold-value", "0.25")
    page.settle()
    assert "3 of 5 (60 %)" in page.inner_text("#threshold-facts")
    assert page.input_value("#command") == (
        "dcrdf threshold 'it'\\''s/model' --set 0.25 --note 'set by hand on own scans'"
    )


def test_what_needs_a_truth_is_not_there(open_page, own_page):
    page = open_page(own_page)
    assert page.locator("#curves, #found, #cost, [data-view=truth]").count() == 0


def test_pictures_keep_their_shape_and_the_surface_its_heights(open_page, own_page):
    page = open_page(own_page, "image=part1")
    box = page.locator("#viewer-panels canvas").bounding_box()
    assert box["width"] / box["height"] == pytest.approx(2.0, rel=0.02)
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.settle()
    height = re.search(r"height ([\d.]+) mm", page.inner_text("#values"))[1]
    assert float(height) == pytest.approx(1.8, abs=0.1)  # 2 mm; the plane is not free of the bump
    page.click("#solid summary")
    page.wait_for_function(
        "() => document.getElementById('surface-text').textContent.startsWith('Turn it')"
    )


def test_a_scan_without_points_says_so(open_page, own_page):
    page = open_page(own_page, "image=part4")
    page.click("#solid summary")
    page.settle()
    assert page.inner_text("#surface-text") == "This image has no heights."
    assert page.locator("#surface").is_hidden()


def test_readings_outside_of_good_scans_are_named(open_page, own_page):
    page = open_page(own_page)
    said = page.inner_text("#readings")
    assert "colour: how unlike good parts as a whole" in said
    assert "part4 (1.4)" in said
    assert "part0" not in said
