"""Which images are shown, and that their pictures say what they show."""

import pytest

from dcrdf.report.examples import CategoryPictures, RunPictures, choose, typical_images
from dcrdf.report.runs import read_run


def test_typical_images_come_from_every_kind_in_turn():
    defects = ["dent"] * 5 + ["good"] * 3 + ["stain"]
    assert typical_images(defects, 4) == [2, 8, 6, 3]


def test_typical_images_stop_when_there_are_no_more():
    assert sorted(typical_images(["good", "dent"], 9)) == [0, 1]
    assert typical_images(["good"], 0) == []


def test_hardest_defects_and_worst_good_images(make_result):
    result = make_result(good=[0.9, 0.1, 0.4], bad=[0.8, 0.3, 0.2, 0.7])
    chosen = choose(result, 2)
    assert chosen.hardest == [5, 4, 6]
    assert chosen.worst_good == [0, 2]


def test_images_that_are_not_judged_are_shown_and_ranked_as_ever(make_result):
    reasons = dict.fromkeys((0, 1, 4, 6), "its colour image is too dark")
    result = make_result(good=[0.9, 0.1, 0.4], bad=[0.8, 0.3, 0.2, 0.7], not_judged=reasons)
    chosen = choose(result, 2)
    assert chosen.not_judged == [0, 1, 4]
    assert (chosen.hardest, chosen.worst_good) == ([5, 4, 6], [0, 2])


def test_typical_images_are_the_same_for_all_runs(make_result):
    first = choose(make_result([0.1, 0.2], [0.9, 0.8, 0.7]), 3)
    second = choose(make_result([0.9, 0.8], [0.1, 0.2, 0.3]), 3)
    assert first.typical == second.typical


@pytest.mark.parametrize(
    ("at", "verdict"), [(0, "passed"), (3, "false alarm"), (4, "found"), (5, "missed")]
)
def test_verdict_compares_the_alarm_with_the_truth(results, at, verdict):
    run = read_run(results.add("full", "nut"))
    (strip,) = RunPictures(run, CategoryPictures(results.splits["nut"])).strips([at])
    assert strip.verdict == verdict
    assert strip.defect == results.defects[at]


def test_strip_has_the_six_pictures_with_alt_texts(results):
    run = read_run(results.add("full", "nut"))
    (strip,) = RunPictures(run, CategoryPictures(results.splits["nut"])).strips([4])
    captions = [tile.caption for tile in strip.tiles]
    assert captions == ["colour", "height", "truth", "fused map", "RGB branch", "depth branch"]
    assert all(tile.uri.startswith("data:image/webp;base64,") for tile in strip.tiles)
    assert all(tile.alt.startswith("004: ") for tile in strip.tiles)
    assert strip.tiles[0].uri != strip.tiles[2].uri


def test_a_good_image_has_no_outline(results):
    run = read_run(results.add("full", "nut"))
    (strip,) = RunPictures(run, CategoryPictures(results.splits["nut"])).strips([0])
    assert strip.tiles[0].uri == strip.tiles[2].uri
    assert "no defect" in strip.tiles[2].alt
