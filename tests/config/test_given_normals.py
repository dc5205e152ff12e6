"""Normals that come with a data set: what is refused, in one line, and what is not."""

import pytest

from dcrdf.config.given_normals import OF_POINTS
from dcrdf.config.resolve import parse_config
from dcrdf.errors import UserError
from dcrdf.robustness.degrade import HOLE_SHARES, NOISE_SHARES

OTHERS = ["depth_absent", "rgb_overexposed", "rgb_blurred", "rgb_absent"]


@pytest.fixture
def run_of(minimal):
    """A configuration with a run that learns from normals of this kind."""

    def build(normals, augment="none", degradations=()):
        minimal["robustness"] = {"degradations": list(degradations)}
        minimal["runs"] = {
            "net": {
                "detector": "crd",
                "preset": "eyecandies",
                "prepare": {"normals": normals},
                "options": {"augment": augment},
            }
        }
        return minimal

    return build


@pytest.mark.parametrize("augment", ["natural", "dihedral"])
def test_given_normals_are_not_turned(run_of, augment):
    """Nobody knows whether y is up or down in them, and a quarter turn needs to."""
    with pytest.raises(UserError, match=r"^config: prepare\.normals \(runs\.net on a\): given"):
        parse_config(run_of("given", augment))
    parse_config(run_of("given"))
    parse_config(run_of("fitted", augment))


@pytest.mark.parametrize("degradation", OF_POINTS)
def test_points_are_not_made_worse_where_that_changes_nothing(run_of, degradation):
    with pytest.raises(UserError, match=rf"robustness\.degradations.*: {degradation} would leave"):
        parse_config(run_of("given", degradations=["rgb_blurred", degradation]))
    parse_config(run_of("given", degradations=OTHERS))
    parse_config(run_of("fitted", degradations=[degradation]))


def test_degradations_of_points_are_those_with_holes_and_noise():
    assert set(OF_POINTS) == {*HOLE_SHARES, *NOISE_SHARES}
