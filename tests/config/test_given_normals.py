"""Normals that came with the scans: what cannot be asked of them is refused beforehand."""

from typing import get_args

import pytest

from dcrdf.config.given_normals import OF_POINTS, hidden_degradations
from dcrdf.config.options import Degradation, PrepareOptions
from dcrdf.config.resolve import parse_config
from dcrdf.errors import UserError

GIVEN = {"surface": "normals", "normals": "given"}


@pytest.fixture
def given(minimal):
    """One plain run on a data set that brings normals."""
    minimal["dataset"] |= {"layout": "eyecandies", "synthetic": None}
    minimal["runs"]["net"] = {"detector": "dcrdf_net", "preset": "dual_rd"}
    return minimal | {"prepare": dict(GIVEN)}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("dataset.layout", "mvtec3d",
         r"prepare\.normals .*layout 'mvtec3d' brings no normals \(those that do: eyecandies\)"),
        ("runs.net.options.augment", "dihedral",
         r"prepare\.normals .*cannot be turned .* leave options\.augment out"),
        ("overrides.b.robustness.degradations", ["rgb_blurred", "depth_noise_5"],
         r"robustness\.degradations \(runs\.net on b\): depth_noise_5 changes points"),
    ],
)  # fmt: skip
def test_what_given_normals_cannot_show_is_refused(given, set_key, key, value, message):
    parse_config(given)
    set_key(given, key, value)
    with pytest.raises(UserError, match=message) as caught:
        parse_config(given)
    assert "\n" not in str(caught.value)
    parse_config(given | {"prepare": {**GIVEN, "normals": "fitted"}})


def test_an_absent_modality_shows_on_given_normals_too(given):
    given["robustness"] = {"degradations": ["depth_absent", "rgb_absent", "rgb_overexposed"]}
    parse_config(given)


def test_what_changes_points_alone_is_known():
    of_depth = {name for name in get_args(Degradation) if name.startswith("depth_")}
    assert of_depth - {"depth_absent"} == OF_POINTS
    every = get_args(Degradation)
    assert set(hidden_degradations(PrepareOptions(**GIVEN), every)) == OF_POINTS
    for others in ({"normals": "given"}, {"surface": "normals"}, {}):
        assert hidden_degradations(PrepareOptions(**others), every) == []
