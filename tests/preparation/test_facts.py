from dataclasses import replace
from pathlib import Path

import pytest

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.sample import Camera, Sample
from dcrdf.files.remarks import Remark
from dcrdf.preparation.facts import camera_digest, input_digest, scalars_of, summarise
from dcrdf.preparation.measured import ScanFacts
from dcrdf.preparation.normalise import PreparationConstants
from dcrdf.preparation.plane import Plane
from dcrdf.preparation.samples import Record, Skipped

SOUND = ScanFacts(
    native_size=(10, 12),
    plane=Plane((0.0, 0.0, -1.0), 0.5),
    inlier_share=0.9,
    plane_accepted=True,
    plane_replaced=False,
    missing_share=0.1,
    part_share=0.3,
)
DOUBTFUL = replace(SOUND, inlier_share=0.2, plane_accepted=False, missing_share=0.4)
PART = PreparationConstants("part", -0.001, 0.004, (0.0, 0.0, -1.0, 0.5))


def sample(split, name, defect="good", gt=None):
    return Sample("nut", split, defect, name, Path("rgb.png"), gt=gt)


def record(split, name, facts=SOUND, digests=("aa", "bb"), **more):
    return Record(sample(split, name, **more), facts, digests)


@pytest.fixture
def records():
    return {
        "train": [
            record("train", "0"),
            record("train", "1", replace(DOUBTFUL, part_share=0.9)),
            record("train", "2", replace(SOUND, part_share=0.4)),
        ],
        "validation": [],
        "test": [record("test", "0", replace(DOUBTFUL, plane_replaced=True, far_points=3))],
    }


@pytest.mark.parametrize(("mode", "share"), [("part", 0.4), ("field", 0.9)])
def test_the_summary_counts_and_names(records, mode, share):
    skipped = [Skipped(sample("test", "9"), "torn")]
    found = summarise(records, skipped, replace(PART, mode=mode), PrepareOptions())
    assert (found.category, found.mode, found.mode_is_automatic) == ("nut", mode, True)
    assert found.counts == {"train": 3, "validation": 0, "test": 1}
    assert found.foreground_share == pytest.approx(share)
    assert found.part_share == pytest.approx(0.35), "of the scans with a sound plane"
    assert found.missing_share == pytest.approx((0.1 + 0.4 + 0.1 + 0.4) / 4)
    assert found.planes_replaced == ("nut/test/good/0",)
    assert found.planes_doubtful == ("nut/train/good/1",)
    assert found.height_span_m == pytest.approx(0.005)
    assert found.plane_distance_m == 0.5
    assert (found.far_points, found.with_far_points) == (3, ("nut/test/good/0",))
    assert found.skipped == (("nut/test/good/9", "torn"),)


def test_a_mask_is_known_of_good_images_and_where_one_is_given():
    rows = [
        record("test", "0"),
        record("test", "1", defect="dent"),
        record("test", "2", defect="dent", gt=Path("gt.png")),
    ]
    scalars = scalars_of(rows, "part")
    assert scalars["label"] == [False, True, True]
    assert scalars["mask_known"] == [True, False, True]
    assert scalars["defect"] == ["good", "dent", "dent"]


def test_the_foreground_of_a_field_is_what_was_measured():
    rows = [record("test", "0")]
    assert scalars_of(rows, "part")["foreground_share"] == [0.3]
    assert scalars_of(rows, "field")["foreground_share"] == [0.9]


def test_the_input_digest_changes_with_content_names_and_what_is_left_out(records):
    def changed(one):
        return input_digest(records | {"test": [one] if one else []})

    same, *others = (
        changed(one)
        for one in (
            record("test", "0", SOUND),
            record("test", "0", digests=("aa", "cc")),
            record("test", "1"),
            None,
        )
    )
    assert same == input_digest(records)
    assert len({same, *others}) == 4


def test_remarks_are_gathered_over_all_splits(records):
    shaded, turned = Remark("masks", "shaded"), Remark("orientation", "turned")
    records["train"][1] = record("train", "1", replace(SOUND, remarks=(turned,)))
    records["test"] = [record("test", "0", replace(SOUND, remarks=(shaded, turned)))]
    found = summarise(records, [], PART, PrepareOptions())
    assert found.remarks == {
        "turned": ["nut/train/good/1", "nut/test/good/0"],
        "shaded": ["nut/test/good/0"],
    }


@pytest.mark.parametrize(("cut", "expected"), [(1, False), (2, True), (3, True)])
def test_a_background_is_cut_where_most_training_scans_end_early(records, cut, expected):
    """A scan of the test split says nothing."""
    for index in range(cut):
        facts = replace(SOUND, border_missing_share=0.99)
        records["train"][index] = record("train", str(index), facts)
    records["test"] = [record("test", "0", replace(SOUND, border_missing_share=1.0))]
    assert summarise(records, [], PART, PrepareOptions()).background_is_cut is expected


def test_cameras_have_a_digest_where_there_are_any():
    camera = Camera(500.0, 500.0, 16.0, 12.0, 0.001)
    one, other = (replace(sample("train", x), camera=camera) for x in "01")
    assert camera_digest([sample("train", "0")]) is None
    assert camera_digest([one]) == camera_digest([one, other]) == camera_digest([other, one])
    moved = replace(other, camera=replace(camera, cx=17.0))
    digests = {camera_digest(x) for x in ([one], [moved], [one, moved])}
    assert len(digests) == 3
    assert camera_digest([moved, one]) in digests
