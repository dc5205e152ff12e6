"""Each detector says whether it can be exported, and what it says holds."""

from types import SimpleNamespace

import pytest

import dcrdf
from dcrdf.config.detectors import DETECTORS, ResilientOptions
from dcrdf.config.detectors.base import DetectorOptions
from dcrdf.config.options import InferOptions
from dcrdf.errors import UserError
from dcrdf.export.refusals import refuse_unexportable
from dcrdf.preparation.store import open_prepared
from dcrdf.tensors.prepared import scans_of_split

SMALL_FLOW = {"student_channels": 16, "student_blocks": 1, "coupling_hidden": 8}
RUNS = {
    "gate": ({"detector": "dcrdf_net", "preset": "paper"}, {}),
    "gate_of_maps": (
        {"detector": "dcrdf_net", "preset": "full",
         "options": {"gfrn": "residual", "gate_evidence": "maps", "calibrate": True}},
        {},
    ),
    "dual_rd": ({"detector": "dcrdf_net", "preset": "dual_rd"}, {}),
    "whitened": ({"detector": "dcrdf_net", "preset": "dual_rd"}, {"maps": "whitened"}),
    "crd": ({"detector": "crd", "preset": "paper", "options": {"augment": "dihedral"}}, {}),
    "bank": ({"detector": "memory_bank", "preset": "default", "options": {"reweight": 3}}, {}),
    "svm": (
        {"detector": "memory_bank", "preset": "default", "options": {"bank_precision": "float16"}},
        {"fusion": "one_class_svm", "score": "one_class_svm"},
    ),
    "flow": ({"detector": "flow_distillation", "preset": "small", "options": SMALL_FLOW}, {}),
    "likelihood": (
        {"detector": "flow_distillation", "preset": "small", "options": SMALL_FLOW},
        {"maps": "likelihood", "fusion": "peak_trust"},
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_what_can_be_exported_scores_as_trained(name, make_job, export, tmp_path):
    run, infer = RUNS[name]
    make_job(tmp_path, run, infer=infer)
    assert export(tmp_path) == 0
    trained = dcrdf.load(tmp_path / "job/model", "cpu")
    exported = dcrdf.load(tmp_path / "exported")
    with open_prepared(tmp_path / "a.h5") as prepared:
        scans = scans_of_split(prepared.split("test"))
    for at_once in (1, 4):
        found = exported.score_arrays(scans, at_once=at_once)
        wanted = trained.scorer.score(scans)
        for branch, values in wanted.scores.items():
            assert found.scores[branch] == pytest.approx(values, rel=1e-4, abs=1e-9)


def model_of(name, options):
    detector = SimpleNamespace(options=options)
    return SimpleNamespace(
        description={"detector": name}, scorer=SimpleNamespace(detector=detector)
    )


def test_what_reads_points_is_refused_by_name():
    named = r"^resilient cannot be exported: it reads points"
    with pytest.raises(UserError, match=named):
        refuse_unexportable(model_of("resilient", ResilientOptions()))


def test_a_detector_that_says_nothing_is_refused():
    class Own(DetectorOptions):
        pass

    with pytest.raises(UserError, match="^own cannot be exported: nobody has made a graph"):
        refuse_unexportable(model_of("own", Own()))


def test_a_replaced_modality_is_refused():
    model = model_of("crd", DETECTORS["crd"].options())
    model.scorer.options = InferOptions(replace_unusual=True)
    model.scorer.stand_ins = None
    with pytest.raises(UserError, match="^infer.replace_unusual cannot be exported"):
        refuse_unexportable(model)


def test_all_others_can_be_exported():
    can = {name for name, info in DETECTORS.items() if not info.options().unexportable()}
    assert can == set(DETECTORS) - {"resilient"}
