"""What a description may hold that nobody vouches for."""

import json
from contextlib import nullcontext

import numpy as np
import pytest
import torch

from dcrdf.config.detectors import CrdOptions, MemoryBankOptions
from dcrdf.config.options import InferOptions, PrepareOptions
from dcrdf.detectors.base import build_detector
from dcrdf.errors import UserError
from dcrdf.judging.description import entries_named
from dcrdf.judging.thresholds import checked_thresholds, set_threshold
from dcrdf.models.checkpoint import save_detector
from dcrdf.models.model import Model, _check_offered
from dcrdf.networks.teacher import Teacher
from dcrdf.preparation.normalise import PreparationConstants
from dcrdf.scoring.branch_statistics import BranchStatistics
from dcrdf.scoring.calibration import Calibration
from dcrdf.scoring.depth_sensor import DepthSensor


@pytest.mark.parametrize("number", ["1e999", "1" + "0" * 400, "null", '"x"'])
def test_a_threshold_that_is_no_number_is_named(tmp_path, number):
    entry = json.loads(f'{{"threshold": {number}, "map_median": 0.5, "note": ""}}')
    thresholds = dict.fromkeys(("fused", "rgb", "depth"), entry)
    named = r"detector\.json: a missing or damaged entry"
    with pytest.raises(UserError, match=named), entries_named(tmp_path):
        checked_thresholds(thresholds, tuple(thresholds))


@pytest.fixture
def bank(tmp_path):
    """A memory bank that is calibrated by made-up figures; its folder."""
    usual = dict.fromkeys(("rgb", "depth"), BranchStatistics(*[0.5] * 6))
    limits = {"threshold": 0.5, "map_median": 0.1, "note": ""}
    description = {
        "preparation": {
            "options": PrepareOptions(image_size=64).record(),
            "constants": PreparationConstants("part", 0.0, 0.01, (0.0, 0.0, -1.0, 0.5)).to_dict(),
        },
        "scoring": {
            "options": InferOptions().record(),
            "statistics": Calibration(usual, DepthSensor(0.0, 0.0, 0.5, 0.01)).to_dict(),
        },
        "thresholds": dict.fromkeys(("fused", "rgb", "depth"), limits),
    }
    detector = build_detector("memory_bank", Teacher("resnet18"), MemoryBankOptions())
    save_detector(tmp_path, detector, "memory_bank", description)
    return tmp_path


def test_a_fusion_that_a_detector_lacks_is_named(bank):
    Model(bank, "cpu")
    path = bank / "detector.json"
    path.write_text(path.read_text().replace('"zscore_sum"', '"cm_segf"'))
    named = r"detector\.json: scoring: maps 'raw' with fusion 'cm_segf' .* `dcrdf infer` again$"
    with pytest.raises(UserError, match=named):
        Model(bank, "cpu")


@pytest.mark.parametrize(
    ("maps", "fusion", "is_offered"),
    [
        ("crossmodal", "rgb_crossmodal", True),
        ("raw", "avg", True),
        ("raw", "rgb_crossmodal", False),
        ("mapping", "avg", False),
        ("relative", "avg", False),
    ],
)
def test_maps_that_a_detector_lacks_would_be_others_under_that_name(maps, fusion, is_offered):
    """The mapping is the amplifier's."""
    given = InferOptions(maps=maps, fusion=fusion), CrdOptions(amplifier="none")
    with nullcontext() if is_offered else pytest.raises(UserError, match=f"{maps}.*{fusion}"):
        _check_offered(*given)


def test_a_threshold_that_was_set_by_hand_decides(bank):
    scan = np.full((64, 64, 3), 90, np.uint8)
    fitted = Model(bank, "cpu")
    set_threshold(bank, fitted.fitted_thresholds, "rgb", 1e6, "to see it")
    changed = Model(bank, "cpu")
    assert changed.fitted_thresholds == fitted.thresholds
    assert changed.description == fitted.description
    found = {}
    for model in (fitted, changed):
        model.scorer.detector.network["rgb"].patches = torch.ones(3, 384)
        found[model] = model.predict(scan, None)
    assert (found[fitted].threshold, found[fitted].threshold_from) == (0.5, "fitted")
    assert (found[changed].threshold, found[changed].threshold_from) == (1e6, "set")
    assert found[fitted].score == found[changed].score
    assert found[fitted].is_defective
    assert not found[changed].is_defective
