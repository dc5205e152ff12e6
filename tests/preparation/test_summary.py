import json
from dataclasses import replace

from dcrdf.preparation.summary import PrepareSummary

SUMMARY = PrepareSummary(
    category="biscuit",
    mode="part",
    mode_is_automatic=True,
    counts={"train": 60, "validation": 10, "test": 56},
    foreground_share=0.42,
    part_share=0.42,
    missing_share=0.024,
    planes_replaced=(),
    planes_doubtful=(),
    height_span_m=0.02,
    plane_distance_m=0.45,
    far_points=0,
    with_far_points=(),
    skipped=(),
)


def test_one_line_when_all_is_well():
    assert SUMMARY.warnings == []
    assert SUMMARY.lines() == [
        "biscuit: 60 train, 10 validation, 56 test; mode part, foreground 42.0%, missing depth 2.4%"
    ]


def test_an_implausible_foreground_is_reported():
    for share in (0.01, 0.99):
        (warning,) = replace(SUMMARY, foreground_share=share).warnings
        assert f"{share:.1%}" in warning


def test_a_small_part_taken_for_a_field_is_reported():
    small = replace(SUMMARY, mode="field", foreground_share=1.0, part_share=0.03)
    assert "prepare.mode: part" in small.warnings[0]
    assert replace(small, mode_is_automatic=False).warnings == []
    assert replace(small, part_share=0.0).warnings == []


def test_planes_and_skipped_scans_are_named():
    summary = replace(
        SUMMARY,
        planes_replaced=tuple(f"biscuit/train/good/{number}" for number in range(7)),
        planes_doubtful=("biscuit/test/dent/1",),
        skipped=(("biscuit/test/dent/2", "rgb/2.png: truncated\nsecond line"),),
    )
    lines = summary.lines()
    assert len(lines) == 4
    assert "7 scans" in lines[1]
    assert "and 2 more" in lines[1]
    assert "biscuit/test/dent/1" in lines[2]
    assert lines[3].endswith("skipped biscuit/test/dent/2: rgb/2.png: truncated second line")
    assert all(line.startswith("biscuit: warning: ") for line in lines[1:])


def test_points_that_were_not_measured_are_reported():
    far = replace(SUMMARY, far_points=400, with_far_points=("biscuit/train/good/000",))
    (warning,) = far.warnings
    assert warning == (
        "400 points farther than 50 m taken as missing, in 1 scans (biscuit/train/good/000)"
    )
    (warning,) = replace(SUMMARY, height_span_m=48.2).warnings
    assert warning.startswith("training heights span 48.2 m, 0.45 m from the camera")


def test_it_is_json():
    values = json.loads(json.dumps(SUMMARY.to_dict()))
    assert values["counts"] == {"train": 60, "validation": 10, "test": 56}
    assert values["warnings"] == []


def test_what_other_papers_preparations_say():
    seldom = {"background_is_cut", "empty_parts", "published_instead", "remarks"}
    assert not seldom & SUMMARY.to_dict().keys()
    other = replace(
        SUMMARY,
        empty_parts=("biscuit/train/good/000",),
        planes_replaced=("biscuit/test/cut/001",),
        published_instead="the published code writes NaN",
    )
    plane, empty = other.warnings
    assert plane.endswith("the training split's used (the published code writes NaN)")
    assert empty.endswith("1 scans (biscuit/train/good/000): all is background")
    assert other.to_dict()["empty_parts"] == ("biscuit/train/good/000",)


def test_what_was_put_right_in_files_is_counted():
    odd = replace(SUMMARY, remarks={"the mask has shades": ["biscuit/test/cut/001"]})
    assert odd.warnings == ["the mask has shades: 1 scans (biscuit/test/cut/001)"]
    assert json.loads(json.dumps(odd.to_dict()))["remarks"] == odd.remarks


def test_a_background_that_is_cut_off_is_named():
    (warning,) = replace(SUMMARY, background_is_cut=True).warnings
    assert "no points along the image's border: is the background cut off already" in warning
