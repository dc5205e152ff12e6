from dataclasses import replace

import numpy as np
import pytest

from dcrdf.config.options import PrepareOptions
from dcrdf.config.prepare_presets import PREPARE_PRESETS
from dcrdf.errors import UserError
from dcrdf.preparation.decisions import (
    MAX_HEIGHTS,
    decide_mode,
    evenly_picked,
    median_part_share,
    require_parts,
    training_constants,
    training_plane,
)
from dcrdf.preparation.measured import ScanFacts, TrainingPlane
from dcrdf.preparation.plane import Plane

SOUND = ScanFacts(
    native_size=(10, 10),
    plane=Plane((0.0, 0.0, -1.0), 0.5),
    inlier_share=0.9,
    plane_accepted=True,
    plane_replaced=False,
    missing_share=0.0,
    part_share=0.3,
)
DOUBTFUL = replace(
    SOUND, inlier_share=0.2, plane_accepted=False, plane=Plane((0.0, 0.6, -0.8), 0.7)
)
NOTHING = replace(DOUBTFUL, inlier_share=0.0)
OPTIONS = PrepareOptions()


@pytest.mark.parametrize(
    ("shares", "mode"),
    [
        ((0.3, 0.4, 0.5), "part"),
        ((0.05, 0.05), "part"),
        ((0.95, 0.95), "part"),
        ((0.04, 0.04, 0.9), "field"),
        ((0.96, 0.97), "field"),
        ((0.0, 0.0, 0.3), "field"),
    ],
)
def test_the_median_share_decides(shares, mode):
    facts = [replace(SOUND, part_share=share) for share in shares]
    assert decide_mode(facts, OPTIONS) == mode


def test_shares_of_doubtful_planes_do_not_count():
    facts = [SOUND, SOUND, replace(DOUBTFUL, part_share=1.0), replace(DOUBTFUL, part_share=1.0)]
    assert median_part_share(facts) == pytest.approx(0.3)
    assert decide_mode(facts, OPTIONS) == "part"


def test_mostly_doubtful_planes_make_a_field():
    assert decide_mode([SOUND, DOUBTFUL, DOUBTFUL], OPTIONS) == "field"
    assert median_part_share([DOUBTFUL]) == 0.0


@pytest.mark.parametrize("mode", ["part", "field"])
def test_the_user_may_decide(mode):
    options = PrepareOptions(mode=mode)
    assert decide_mode([SOUND], options) == mode
    assert decide_mode([DOUBTFUL], options) == mode


def test_the_training_plane_comes_from_sound_planes():
    assert training_plane([SOUND, SOUND, DOUBTFUL], OPTIONS, "x").plane == SOUND.plane
    assert training_plane([DOUBTFUL, NOTHING], OPTIONS, "x").plane == DOUBTFUL.plane


def test_without_any_plane_the_category_is_named():
    with pytest.raises(UserError, match="screw: no plane"):
        training_plane([NOTHING], OPTIONS, "screw")
    corners = OPTIONS.model_copy(update={"plane": "three_corners"})
    with pytest.raises(UserError, match=r"corners that prepare\.plane: three_corners"):
        training_plane([NOTHING], corners, "screw")


@pytest.mark.parametrize(
    ("mode", "facts", "needed"),
    [
        ("part", SOUND, False),
        ("part", DOUBTFUL, True),
        ("part", NOTHING, True),
        ("field", DOUBTFUL, False),
        ("field", NOTHING, True),
    ],
)
def test_who_needs_the_training_plane(mode, facts, needed):
    assert TrainingPlane(mode, SOUND.plane).is_needed_by(facts) is needed


def test_constants_pool_all_scans():
    heights_m = [np.linspace(0, 0.05, 500), np.linspace(0.05, 0.1, 501)]
    training = TrainingPlane("part", SOUND.plane)
    constants = training_constants(
        training, [h.astype(np.float32) for h in heights_m], OPTIONS, "x"
    )
    assert (constants.low_m, constants.high_m) == pytest.approx((0.001, 0.099), abs=2e-4)
    assert constants.plane == SOUND.plane.coefficients


def test_an_empty_foreground_names_the_category():
    with pytest.raises(UserError, match="screw: no foreground"):
        training_constants(TrainingPlane("part", SOUND.plane), [], OPTIONS, "screw")


@pytest.mark.parametrize(("scans", "size"), [(10, 256), (400, 256), (5000, 1024)])
def test_the_pool_stays_small(scans, size):
    picked = evenly_picked(np.zeros(size * size, np.float32), scans, size)
    assert picked.size * scans <= MAX_HEIGHTS + scans
    assert picked.size * scans >= min(scans * size * size, MAX_HEIGHTS / 2)


def test_a_preparation_that_finds_no_part_is_named():
    empty = replace(SOUND, part_share=0.0)
    crd = PrepareOptions.parse(dict(PREPARE_PRESETS["crd"]), "prepare")
    require_parts([empty, SOUND], crd, "nut")
    with pytest.raises(UserError, match=r"nut: preparation crd finds no part in 67% of"):
        require_parts([empty, empty, SOUND], crd, "nut")
    with pytest.raises(UserError, match="own: crd but for foreground_min_mm: 4.0 finds"):
        require_parts([empty], crd.model_copy(update={"foreground_min_mm": 4.0}), "nut")
    require_parts([empty], PrepareOptions(mode="part"), "nut")
