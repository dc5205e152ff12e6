"""An absent modality in scoring: joined with what stands in for it, by statistics of its own."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from dcrdf.config.options import InferOptions, PrepareOptions
from dcrdf.errors import UserError
from dcrdf.models.checkpoint import save_detector
from dcrdf.models.model import Model
from dcrdf.preparation.normalise import PreparationConstants
from dcrdf.scoring.scorer import Scorer
from dcrdf.scoring.split import gather
from dcrdf.scoring.stand_ins import StandInCalibrations

from ..conftest import shown_to

CPU = torch.device("cpu")


def calibrated(detector, samples, **values):
    options = InferOptions(**{"fusion": "zscore_sum", "blur_sigma_px": 0.0, **values})
    shown = shown_to(detector, samples)
    scorer, predictions = Scorer.calibrate(detector, options, shown, CPU)
    return scorer, predictions, shown


@pytest.mark.parametrize("absent", ["rgb", "depth"])
def test_a_stand_in_is_joined_by_statistics_of_scans_without_the_modality(fit, samples, absent):
    scorer, predictions, shown = calibrated(fit("resilient")[0], samples, stand_ins="always")
    found = scorer.calibrate_stand_ins(shown)
    assert set(found) == {"rgb", "depth"}
    assert len(found[absent]) == len(predictions) == len(samples)
    alone = shown.without(absent)
    raw = scorer.raw_maps(alone)
    present = "depth" if absent == "rgb" else "rgb"
    expected = 0.0
    for maps in (raw.own[present], raw.crossmodal[absent]):
        expected = expected + (maps - maps.mean()) / maps.std()
    prediction = scorer.score(alone)
    np.testing.assert_allclose(prediction.maps["fused"], expected, rtol=5e-3, atol=5e-3)
    assert set(prediction.maps) == set(prediction.scores) == {"fused", present}
    assert set(prediction.unusual) == {present}
    assert scorer.answering(absent) == f"without_{absent}"
    assert scorer.answering(None) == "fused"
    held_out = gather(found[absent])
    assert set(held_out.scores) == {"fused", present}
    assert np.isfinite(held_out.scores["fused"]).all()
    again = StandInCalibrations.from_dict(json.loads(json.dumps(scorer.stand_ins.to_dict())))
    assert again == scorer.stand_ins


@pytest.mark.parametrize("stand_ins", ["holes", "never"])
def test_else_the_fused_map_is_the_other_branchs(fit, samples, stand_ins):
    scorer, _, shown = calibrated(fit("resilient")[0], samples, stand_ins=stand_ins)
    assert scorer.calibrate_stand_ins(shown) == {}
    prediction = scorer.score(shown.without("depth"))
    np.testing.assert_array_equal(prediction.maps["fused"], prediction.maps["rgb"])
    assert scorer.answering("depth") == "rgb"
    assert "stand_ins" not in scorer.describe()
    names = set(scorer.calibration.maps)
    assert ("depth_crossmodal" in names) == (stand_ins == "holes")


def test_other_detectors_are_scored_as_ever(fit, samples):
    plain, _, _ = calibrated(fit("memory_bank")[0], samples)
    never, _, _ = calibrated(fit("memory_bank")[0], samples, stand_ins="never")
    assert set(plain.calibration.maps) == {"rgb", "depth"}
    one, other = (x.score(samples).maps["fused"] for x in (plain, never))
    assert np.array_equal(one, other)
    assert plain.calibrate_stand_ins(samples) == {}
    assert not {"stand_ins", "modalities"} & set(plain.describe()["options"])


def test_a_withheld_modality_is_named_by_what_is_left():
    assert InferOptions().withheld is None
    assert InferOptions(modalities="rgb").withheld == "depth"
    assert InferOptions(modalities="depth").withheld == "rgb"
    assert "modalities" not in InferOptions().record()


def test_svm_weights_are_those_of_scans_without_the_modality(fit, samples):
    scorer, _, shown = calibrated(
        fit("resilient")[0], samples, stand_ins="always", fusion="one_class_svm",
        score="one_class_svm",
    )  # fmt: skip
    scorer.calibrate_stand_ins(shown)
    weights = scorer.stand_ins.by_absent["depth"].weights
    assert weights != scorer.calibration.weights
    raw = scorer.raw_maps(shown.without("depth"))
    by_hand = weights.rgb * raw.own["rgb"] + weights.depth * raw.crossmodal["depth"]
    prediction = scorer.score(shown.without("depth"))
    np.testing.assert_allclose(prediction.maps["fused"], by_hand, rtol=1e-4)
    peaks = [x.flatten(1).amax(dim=1) for x in (raw.own["rgb"], raw.crossmodal["depth"])]
    expected = weights.image_rgb * peaks[0] + weights.image_depth * peaks[1]
    np.testing.assert_allclose(prediction.scores["fused"], expected, rtol=1e-4)


def test_damaged_statistics_are_refused(fit, samples):
    scorer, _, shown = calibrated(fit("resilient")[0], samples, stand_ins="always")
    scorer.calibrate_stand_ins(shown)
    values = scorer.stand_ins.to_dict()
    with pytest.raises(KeyError):
        StandInCalibrations.from_dict({"without_rgb": values["without_rgb"]})
    values["without_rgb"].pop("depth")
    with pytest.raises(UserError, match="another version"):
        StandInCalibrations.from_dict(values)


def test_a_deployed_model_judges_an_absent_modality_by_its_own_threshold(fit, samples, tmp_path):
    detector = fit("resilient")[0]
    scorer, _, shown = calibrated(detector, samples, stand_ins="always", maps="crossmodal")
    scorer.calibrate_stand_ins(shown)
    limits = {"threshold": 1.0, "map_median": 0.0, "note": ""}
    names = ("fused", "rgb", "depth", "without_rgb", "without_depth")
    constants = PreparationConstants("part", 0.0, 0.1, (0.0, 0.0, 1.0, -0.6))
    description = {
        "preparation": {
            "options": PrepareOptions(image_size=64).record(),
            "constants": constants.to_dict(),
        },
        "scoring": json.loads(json.dumps(scorer.describe())),
        "thresholds": dict.fromkeys(names, limits),
    }
    save_detector(tmp_path, detector, "resilient", description)
    model = Model(tmp_path, "cpu")
    alone = shown.without("depth")
    one, other = (x.score(alone).scores["fused"] for x in (scorer, model.scorer))
    assert np.array_equal(one, other)
    assert model.scorer.answering("depth") == "without_depth"
    description["thresholds"].pop("without_rgb")
    save_detector(tmp_path, detector, "resilient", description)
    with pytest.raises(UserError, match="without_rgb"):
        Model(tmp_path, "cpu")


def test_an_unusual_modality_is_replaced_by_its_stand_in(fit, samples, tmp_path):
    """Scored on the scale of both, by the threshold of scans without it, also once deployed."""
    detector = fit("resilient")[0]
    scorer, predictions, shown = calibrated(
        detector, samples, stand_ins="always", replace_unusual=True
    )
    stood_in = scorer.calibrate_stand_ins(shown)
    limits = {
        **{name: _limits(predictions, name) for name in ("fused", "rgb", "depth")},
        **{f"without_{name}": _limits(x, "fused") for name, x in stood_in.items()},
    }
    dark = replace(shown, rgb=(0.02 * shown.rgb).astype(np.uint8))
    as_it_is = scorer.score(dark)
    assert (as_it_is.unusual["rgb"] > 1.25).any()
    alone = scorer.score(dark.without("rgb"))
    scorer.replace_unusual(limits)
    found = scorer.score(dark)
    rows = np.flatnonzero(found.replaced)
    assert len(rows)
    for at in rows:
        assert found.replaced[at].startswith("judged without colour")
        assert "depth, and what it tells of colour, answer" in found.replaced[at]
        own = alone.scores["fused"][at] - limits["without_rgb"]["threshold"]
        told = found.scores["fused"][at] - limits["fused"]["threshold"]
        rises = [
            limits[name]["threshold"] - limits[name]["map_median"]
            for name in ("fused", "without_rgb")
        ]
        assert told == pytest.approx(own * rises[0] / rises[1], rel=1e-3)
    kept = [at for at in range(len(samples)) if at not in rows]
    assert np.array_equal(found.scores["fused"][kept], as_it_is.scores["fused"][kept])
    constants = PreparationConstants("part", 0.0, 0.1, (0.0, 0.0, 1.0, -0.6))
    description = {
        "preparation": {
            "options": PrepareOptions(image_size=64).record(),
            "constants": constants.to_dict(),
        },
        "scoring": json.loads(json.dumps(scorer.describe())),
        "thresholds": limits,
    }
    save_detector(tmp_path, detector, "resilient", description)
    deployed = Model(tmp_path, "cpu").scorer.score(dark)
    assert deployed.replaced == found.replaced
    assert np.array_equal(deployed.scores["fused"], found.scores["fused"])


def _limits(predictions, name):
    scored = gather(predictions)
    threshold, median = scored.scores[name].max(), np.median(scored.maps[name])
    return {"threshold": float(threshold), "map_median": float(median), "note": ""}
