"""Flow distillation's presets against its paper's rows; refusals; its ladders."""

from collections import defaultdict
from pathlib import Path

import pytest

from dcrdf.config.detectors import DETECTORS, FlowDistillationOptions
from dcrdf.config.detectors.flow_distillation import PRINTED
from dcrdf.config.labels import AS_PUBLISHED
from dcrdf.config.options import PrepareOptions
from dcrdf.config.plan import Plan
from dcrdf.config.prepare_presets import PREPARE_PRESETS
from dcrdf.config.resolve import parse_config, resolve
from dcrdf.config.yaml_file import read_yaml
from dcrdf.errors import UserError

WORKFLOW = Path(__file__).parents[2] / "workflow"
INFO = DETECTORS["flow_distillation"]
ROWS = {  # scales, maps, fusion
    "paper": ((1, 2, 4), "raw", "joint"),
    "ast": ((1,), "raw", "joint"),
    "scale_2": ((2,), "raw", "joint"),
    "scale_4": ((4,), "raw", "joint"),
    "scales_1_2": ((1, 2), "raw", "joint"),
    "scales_1_4": ((1, 4), "raw", "joint"),
    "scales_2_4": ((2, 4), "raw", "joint"),
    "rgb_only": ((1, 2, 4), "raw", "rgb"),
    "depth_only": ((1, 2, 4), "raw", "depth"),
    "teacher_alone": ((1, 2, 4), "likelihood", "joint"),
    "late_sum": ((1, 2, 4), "raw", "zscore_sum"),
}
BEYOND = {"rgb_only", "depth_only", "teacher_alone", "late_sum"}


@pytest.fixture
def flow(minimal):
    """A configuration of one such run that says nothing else."""
    minimal.pop("teacher", None)
    minimal["runs"] = {"flow": {"detector": "flow_distillation", "preset": "paper"}}
    return minimal


def test_every_preset_is_a_row():
    assert set(INFO.presets) == {*ROWS, "small"}
    assert set(INFO.published) == set(PRINTED) == set(ROWS) - BEYOND


@pytest.mark.parametrize("preset", list(ROWS))
def test_presets_resolve_to_their_rows_whatever_rate_stands_further_out(flow, set_key, preset):
    """`config.yaml` has a rate at the top level that would break a flow."""
    set_key(flow, "train.learning_rate", 0.005)
    set_key(flow, "train.betas", [0.5, 0.999])
    set_key(flow, "runs.flow.preset", preset)
    config = parse_config(flow)
    resolved = resolve(config, "flow", "a")
    scales, maps, fusion = ROWS[preset]
    assert resolved.options == FlowDistillationOptions(scales=scales, student_channels=1024)
    options = resolved.options
    assert (options.learning_rate, options.betas, options.weight_decay) == (
        2e-4, (0.9, 0.999), 1e-5,
    )  # fmt: skip
    assert (options.clamp, options.coupling_kernels, options.coupling_hidden) == (
        1.9, (3, 3, 3, 5), 64,
    )  # fmt: skip
    assert (options.encoding_channels, options.student_blocks, options.depth_cell) == (32, 4, 8)
    assert (options.mask, options.mask_rule, options.feature_norm) == ("foreground", "any", "none")
    assert (options.feature_stage, options.depth_centre) == (3, "image")
    assert options.side_channels is options.flow_epochs is None
    train = resolved.train
    assert (train.epochs, train.batch_size, train.min_steps, train.schedule) == (
        72, 8, 0, "constant",
    )  # fmt: skip
    assert resolved.teacher.name == "efficientnet_b5"
    assert resolved.prepare == PrepareOptions.parse(dict(PREPARE_PRESETS["ast"]), "prepare")
    assert resolved.prepare.image_size == 768
    assert (resolved.infer.maps, resolved.infer.fusion) == (maps, fusion)
    assert (resolved.infer.blur_sigma_px, resolved.infer.score) == (0.0, "max")
    label = Plan(config).labels["flow"]
    assert label == ("not published" if preset in BEYOND else f"{AS_PUBLISHED} (steps: AST's)")


def test_the_rate_of_training_is_not_read(flow, set_key):
    before = Plan(parse_config(flow))
    for key, value in (("learning_rate", 0.1), ("betas", [0.1, 0.2])):
        set_key(flow, f"train.{key}", value)
    after = Plan(parse_config(flow))
    assert before.chain("flow", "a", 0).train.digest == after.chain("flow", "a", 0).train.digest
    set_key(flow, "runs.flow.options.learning_rate", 0.1)
    assert "options.learning_rate: 0.1" in Plan(parse_config(flow)).labels["flow"]


def test_small_has_the_defaults(flow, set_key):
    set_key(flow, "runs.flow.preset", "small")
    resolved = resolve(parse_config(flow), "flow", "a")
    assert resolved.options == FlowDistillationOptions()
    assert resolved.options.student_channels == 256
    assert (resolved.infer.fusion, resolved.infer.blur_sigma_px) == ("joint", 4.0)
    assert Plan(parse_config(flow)).labels["flow"] == "not published"


def test_what_it_needs_and_offers():
    options = FlowDistillationOptions()
    assert options.needs() == {"outline"}
    assert options.maps() == {"raw", "likelihood"}
    assert options.surfaces() == {"height"}
    assert options.teachers() is None
    assert not options.augments()
    for kind in options.maps():
        fusions = {"joint", "avg", "max", "zscore_sum", "zscore_max", "peak_norm", "peak_trust"}
        assert fusions | {"rgb", "depth"} <= options.fusions(kind)
        assert "rgb_crossmodal" not in options.fusions(kind)
    assert {"learning_rate", "betas"} & INFO.train_fields == set()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"scales": []}, r"scales"),
        ({"scales": [1, 1]}, r"scales.*1 is listed twice"),
        ({"scales": [3]}, r"scales"),
        ({"coupling_kernels": [2]}, r"coupling_kernels"),
        ({"coupling_kernels": []}, r"coupling_kernels"),
        ({"encoding_channels": 30}, r"encoding_channels.*multiple of 4"),
        ({"feature_stage": 1}, r"feature_stage"),
        ({"depth_cell": 5}, r"depth_cell"),
        ({"clamp": 0.0}, r"clamp"),
        ({"side_channels": 0}, r"side_channels"),
        ({"flow_epochs": 0}, r"flow_epochs"),
        ({"weight_decay": -1e-5}, r"weight_decay"),
        ({"scale": [1]}, r"scale"),
    ],
)
def test_options_that_mean_nothing_are_refused(flow, options, named):
    flow["runs"]["flow"]["options"] = options
    with pytest.raises(UserError, match=named) as caught:
        parse_config(flow)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("infer.maps", "crossmodal", r"infer\.maps.*'crossmodal' is not offered"),
        ("infer.fusion", "cm_segf", r"infer\.fusion.*'cm_segf' is not offered"),
        ("infer.orientations", 4, r"infer\.orientations.*set it to 1$"),
        ("prepare", {"preset": "crd_normals"}, r"prepare\.surface.*takes height"),
        ("prepare.image_size", 784, r"image_size"),
    ],
)
def test_what_it_does_not_offer_is_refused(flow, set_key, key, value, named):
    set_key(flow, f"runs.flow.{key}", value)
    with pytest.raises(UserError, match=named):
        parse_config(flow)


def test_the_likelihood_is_of_no_other_detector(flow, set_key):
    set_key(flow, "runs.flow", {"detector": "memory_bank", "preset": "default"})
    set_key(flow, "runs.flow.infer.maps", "likelihood")
    with pytest.raises(UserError, match=r"'likelihood' is not offered by memory_bank"):
        parse_config(flow)


def trainings(plan):
    """The runs of each training of one job."""
    job = plan.config.dataset.categories[0], plan.config.seeds[0]
    rows = defaultdict(set)
    for run in plan.config.runs:
        rows[plan.chain(run, *job).train.digest].add(run)
    return sorted(map(sorted, rows.values()))


def test_seven_trainings_serve_all_rows():
    plan = Plan(parse_config(read_yaml(WORKFLOW / "ladder_flow.yaml")))
    assert set(plan.config.runs) == set(ROWS)
    assert len(trainings(plan)) == 7
    shared = [rows for rows in trainings(plan) if len(rows) > 1]
    assert shared == [["depth_only", "late_sum", "paper", "rgb_only", "teacher_alone"]]
    sections = read_yaml(WORKFLOW / "ladder_flow.yaml")
    assert not set(sections) & {"prepare", "teacher", "train", "infer", "evaluate", "terms"}
    for run, label in plan.labels.items():
        assert label.startswith(AS_PUBLISHED) == (run in PRINTED)


def test_the_demos_rows_are_on_equal_terms():
    plan = Plan(parse_config(read_yaml(WORKFLOW / "ladder_flow_demo.yaml")))
    assert plan.config.compare.references == ("dual_rd", "ast")
    assert set(plan.config.runs) == {*ROWS, "dual_rd", "feature_norm"}
    assert {run.terms for run in plan.config.runs.values()} == {"demo"}
    assert plan.config.terms["demo"].equal
    assert len(plan.config.seeds) == 3
    assert len(trainings(plan)) == 9
    assert len({chain.prepare.digest for chain in plan.chains.values()}) == 3
    job = plan.config.dataset.categories[0], plan.config.seeds[0]
    for run in plan.config.runs:
        resolved = plan.chain(run, *job).resolved
        assert resolved.train.min_steps == 600
        if resolved.detector == "flow_distillation":
            assert resolved.options.student_channels == 128
    scorings = {plan.chain(run, *job).infer.digest for run in plan.config.runs}
    assert len(scorings) == len(plan.config.runs)
