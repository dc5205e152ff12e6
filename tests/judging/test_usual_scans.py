"""Which scans are judged, by made-up readings of good ones."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcrdf.errors import UserError
from dcrdf.judging.usual_scans import QUANTITIES, SILENCED, UsualScans
from dcrdf.scans.readings import grey_odds

GOOD = {
    "distance": np.array([0.44, 0.45, 0.46]),
    "measured": np.array([0.9, 0.95, 0.97]),
    "foreground": np.array([0.2, 0.25, 0.3]),
    "size": np.array([0.06, 0.07, 0.08]),
    "part_measured": np.array([0.96, 0.99, 1.0]),
    "relief": np.array([0.4, 0.5, 0.6]),
    "noise": np.array([0.01, 0.012, 0.014]),
    "brightness": grey_odds(np.array([80.0, 90.0, 100.0])),
    "contrast": np.array([20.0, 25.0, 30.0]),
    "detail": np.array([5.0, 6.0, 7.0]),
}
USUAL = UsualScans.of(GOOD)
AS_USUAL = {"rgb": np.ones(1), "depth": np.ones(1)}
LIMITS = {
    "distance": (1.75, 1.75), "measured": (2.0, None), "foreground": (10.0, None),
    "size": (1.75, 1.75), "part_measured": (2.0, None), "relief": (4.0, None),
    "noise": (None, 4.0), "brightness": (4.0, 4.0), "contrast": (4.0, None), "detail": (4.0, 4.0),
}  # fmt: skip


def reason(alone=AS_USUAL, usual=USUAL, **changes):
    """Why a scan is not judged whose readings are usual but for `changes`."""
    readings = {name: np.array([changes.get(name, x[1])]) for name, x in GOOD.items()}
    (found,) = usual.reasons(readings, alone)
    return found


def test_every_quantity_has_its_limits():
    assert {q.name: (q.below, q.above) for q in QUANTITIES} == LIMITS
    assert set(USUAL.ranges) == set(LIMITS)


@pytest.mark.parametrize(("name", "limits"), LIMITS.items())
def test_what_lies_beyond_a_limit_is_not_judged(name, limits):
    """Just within is judged, just beyond is not, and a side without a limit says nothing."""
    below, above = limits
    lowest, highest = GOOD[name].min(), GOOD[name].max()
    for end, factor, is_low in ((lowest, below, True), (highest, above, False)):
        for step, is_beyond in ((0.999, False), (1.001, True)):
            by = (factor or 100.0) * step
            value = end / by if is_low else end * by
            assert bool(reason(**{name: value})) == (is_beyond and factor is not None)


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=5), st.data())
def test_good_scans_are_judged(values, data):
    good = {name: np.array(values) for name in LIMITS}
    readings = {name: np.array([data.draw(st.sampled_from(values))]) for name in LIMITS}
    assert UsualScans.of(good).reasons(readings, AS_USUAL) == [""]


TOO_FAR = (
    "its points lie 45 m away, those of good scans 0.44 to 0.46 m: another unit or another set-up"
)


def test_each_scan_has_its_own_reason():
    readings = {name: x.copy() for name, x in GOOD.items()}
    readings["distance"][2] = 45.0
    readings["brightness"][0] = grey_odds(np.array(0.0))
    found = USUAL.reasons(readings, {"rgb": np.ones(3), "depth": np.ones(3)})
    assert found == [
        "its colour image is too dark: a mean grey level of 0, on good scans 80 to 100",
        "",
        TOO_FAR,
    ]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (
            "distance",
            -0.45,
            "behind the camera, those of good scans 0.44 to 0.46 m away: another frame",
        ),
        ("distance", 0.045, "0.045 m away"),
        ("measured", 0.05, "5.0% of its depth was measured, on good scans 90.0% or more"),
        ("foreground", 0.0, "its depth shows no part: 0.0% of the scan"),
        ("size", 0.8, "measures 0.8 m across, on good scans 0.06 to 0.08 m"),
        ("part_measured", 0.1, "10.0% of the part has depth"),
        ("relief", 0.001, "its depth is flat: 0.0025 times the least relief"),
        ("noise", 1.4, "100 times as noisy"),
        ("brightness", grey_odds(np.array(254.0)), "too bright: a mean grey level of 254"),
        ("contrast", 0.5, "next to nothing: 0.025 times the least contrast"),
        ("detail", 0.5, "blurred: 0.1 times the least detail"),
        ("detail", 70.0, "noise: 10 times the detail"),
    ],
)
def test_reasons_name_what_is_amiss(name, value, words):
    assert words in reason(**{name: value})
    assert "\n" not in reason(**{name: value})


def test_a_range_of_one_value_is_said_once():
    usual = UsualScans.of({name: x[:1] for name, x in GOOD.items()})
    assert "those of good scans 0.44 m:" in reason(usual=usual, distance=45.0)


def test_a_modality_has_one_reason_and_both_are_named():
    found = reason(distance=45.0, size=7.0, foreground=0.0, contrast=0.1, detail=0.1)
    assert found.count(";") == 1
    first, second = found.split("; ")
    assert first.startswith("its points lie 45 m away")
    assert second.startswith("its colour image shows next to nothing")


def test_what_is_unusual_alone_is_not_judged():
    for name, word in (("rgb", "colour"), ("depth", "depth")):
        alone = AS_USUAL | {name: np.array([SILENCED])}
        assert reason(alone).startswith(f"its {word} is as a whole 2 times as unusual")
        assert reason(AS_USUAL | {name: np.array([0.999 * SILENCED])}) == ""
    both = AS_USUAL | {"rgb": np.array([3.0])}
    assert reason(both, contrast=0.1).startswith("its colour image shows next to nothing")
    assert ";" not in reason(both, contrast=0.1)


def test_a_frame_that_grows_towards_the_camera_is_a_frame_too():
    usual = UsualScans.of(GOOD | {"distance": -GOOD["distance"]})
    assert reason(usual=usual, distance=-0.45) == ""
    assert "45 m away" in reason(usual=usual, distance=-45.0)
    assert "behind the camera" in reason(usual=usual, distance=0.45)


def test_what_good_scans_do_not_tell_is_not_asked():
    usual = UsualScans.of({name: x for name, x in GOOD.items() if name != "distance"})
    assert reason(usual=usual, distance=45.0) == ""
    empty = UsualScans.of(GOOD | {"foreground": np.array([0.0, 0.2, 0.3])})
    assert reason(usual=empty, foreground=0.0) == ""


def test_only_what_a_scan_has_is_asked():
    readings = {"brightness": np.array([0.001]), "contrast": np.array([25.0])}
    assert USUAL.reasons(readings, {})[0].startswith("its colour image is too dark")


def test_usual_scans_survive_json():
    again = UsualScans.from_dict(json.loads(json.dumps(USUAL.to_dict())))
    assert again == USUAL


@pytest.mark.parametrize(
    "values",
    [{"distance": [0.4]}, {"distance": [0.4, "x"]}, {"distance": [0.4, float("nan")]},
     {"distance": 1.0}, {"distance": [0.4, None]}, {"distance": [1.0, 2.0, 3.0]}],
)  # fmt: skip
def test_damaged_ranges_are_refused(values):
    with pytest.raises((TypeError, ValueError)):
        UsualScans.from_dict(values)


def test_unknown_ranges_are_refused():
    with pytest.raises(UserError, match="another version"):
        UsualScans.from_dict({"weight": [1.0, 2.0]})
