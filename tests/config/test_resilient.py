"""Modality-resilient detection's presets, refusals and ladders."""

from collections import defaultdict
from pathlib import Path

import pytest

from dcrdf.config.detectors import DETECTORS, ResilientOptions
from dcrdf.config.plan import Plan
from dcrdf.config.resolve import parse_config, resolve
from dcrdf.config.yaml_file import read_yaml
from dcrdf.errors import UserError

WORKFLOW = Path(__file__).parents[2] / "workflow"
INFO = DETECTORS["resilient"]
SHA256 = "0" * 64
WEIGHTS = {"geometry_weights": "points.pth", "geometry_sha256": SHA256}
OF_VIT = {"paper", "full", "paper_structure", "dual", "single_rgb", "single_points",
          "resilient_rgb", "resilient_points"}  # fmt: skip


@pytest.fixture
def resilient(minimal):
    """A configuration of one such run that says nothing else."""
    minimal.pop("teacher", None)
    minimal["runs"] = {"one": {"detector": "resilient", "preset": "default"}}
    return minimal


def resolved(config, preset):
    run = config["runs"]["one"]
    run["preset"] = preset
    if preset in OF_VIT:
        run["teacher"] = {"weights": "dino.pth", "sha256": SHA256}
    if INFO.presets[preset]["options"].get("geometry") == "point_mae":
        run["options"] = WEIGHTS
    return resolve(parse_config(config), "one", "a")


@pytest.mark.parametrize("preset", list(INFO.presets))
def test_presets_resolve(resilient, preset):
    one = resolved(resilient, preset)
    assert (one.teacher.name == "dino_vitb8") == (preset in OF_VIT)
    literal = preset in OF_VIT or preset == "paper_lite"
    assert (one.options.bank_size == "elbow") == literal
    assert one.options.stands_in() == (preset not in {"dual", "single_rgb", "single_points"})
    absent = {"resilient_rgb": "rgb", "resilient_points": "depth"}
    assert one.infer.modalities == absent.get(preset, "both")
    always = {"paper", "full", "paper_structure", "paper_lite", *absent}
    assert (one.infer.stand_ins == "always") == (preset in always)
    svm = always | {"dual"}
    assert (one.infer.fusion == "one_class_svm") == (preset in svm)
    assert "points" in one.options.needs()


def test_what_withholding_changes_is_scored_alone(resilient):
    resilient["runs"] = {
        name: {"detector": "resilient", "preset": name, "options": WEIGHTS,
               "teacher": {"weights": "dino.pth", "sha256": SHA256}}
        for name in ("full", "resilient_rgb", "resilient_points", "dual", "single_rgb",
                     "single_points")
    }  # fmt: skip
    plan = Plan(parse_config(resilient))
    digests = defaultdict(set)
    for run in plan.config.runs:
        digests[plan.chain(run, "a", 0).train.digest].add(run)
    assert sorted(map(sorted, digests.values())) == [
        ["dual", "single_points", "single_rgb"], ["full", "resilient_points", "resilient_rgb"],
    ]  # fmt: skip
    assert set(plan.labels.values()) == {"not published"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bank_features": "student"}, "student belongs to transfer: joint"),
        ({"geometry": "point_mae"}, "point_mae takes geometry_weights: FILE"),
        ({"geometry": "point_mae", "geometry_weights": "a.pth"}, "and geometry_sha256"),
        (WEIGHTS, "belong to geometry: point_mae"),
        ({"geometry": "height_image", "sampling": "voxel"}, "sampling belongs to geometry"),
        ({"voxel_min_pitch": 9.0}, "voxel_min_pitch is above voxel_max_pitch"),
        ({"geometry": "normals"}, r"options\.geometry"),
        ({"select": "kmeans", "bank_size": 60_000}, "60000 places cannot be chosen of 50000"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, message):
    with pytest.raises(UserError, match=message) as error:
        ResilientOptions.parse(options, "options")
    assert "\n" not in str(error.value)


def test_the_papers_presets_name_the_files_that_they_lack(resilient):
    resilient["runs"]["one"]["preset"] = "paper"
    with pytest.raises(UserError, match="dino_vitb8 takes weights: FILE"):
        parse_config(resilient)
    resilient["runs"]["one"]["teacher"] = {"weights": "dino.pth", "sha256": SHA256}
    with pytest.raises(UserError, match="point_mae takes geometry_weights: FILE"):
        parse_config(resilient)


def test_stand_ins_are_asked_of_those_that_have_some(resilient, set_key):
    set_key(resilient, "infer.stand_ins", "always")
    parse_config(resilient)
    set_key(resilient, "runs.one.options", {"transfer": "none"})
    with pytest.raises(UserError, match=r"infer\.stand_ins.*nothing stand in"):
        parse_config(resilient)
    resilient["runs"]["one"] = {"detector": "memory_bank", "preset": "default"}
    with pytest.raises(UserError, match=r"infer\.stand_ins.*memory_bank has nothing stand in"):
        parse_config(resilient)


def test_replacing_is_part_of_the_method_and_recorded_where_it_is_asked(resilient, set_key):
    plain = resolve(parse_config(resilient), "one", "a").infer
    assert "replace_unusual" not in plain.record()
    set_key(resilient, "infer.replace_unusual", True)
    asked = resolve(parse_config(resilient), "one", "a").infer
    assert asked.record() == plain.record() | {"replace_unusual": True}


def test_replacing_needs_a_map_of_each_modality_alone(resilient, set_key, monkeypatch):
    monkeypatch.setattr(ResilientOptions, "branches", lambda _: ())
    set_key(resilient, "infer.replace_unusual", True)
    with pytest.raises(UserError, match=r"infer\.replace_unusual.*no map of each modality"):
        parse_config(resilient)


def test_heights_as_an_image_need_no_points():
    assert ResilientOptions(geometry="height_image").needs() == {"outline"}
    assert ResilientOptions().maps() == {"raw", "crossmodal"}
    assert ResilientOptions(transfer="none").maps() == {"raw"}


def trainings(plan):
    """How many a job's runs have."""
    job = plan.config.dataset.categories[0], plan.config.seeds[0]
    return len({plan.chain(run, *job).train.digest for run in plan.config.runs})


def test_the_ladders_trainings():
    demo = Plan(parse_config(read_yaml(WORKFLOW / "ladder_resilient_demo.yaml")))
    assert trainings(demo) == 8
    assert {run.terms for run in demo.config.runs.values()} == {"demo"}
    assert demo.config.terms["demo"].equal
    assert len(demo.config.seeds) == 3
    job = demo.config.dataset.categories[0], 0
    scorings = {demo.chain(run, *job).infer.digest for run in demo.config.runs}
    assert len(scorings) == len(demo.config.runs)
    paper = Plan(parse_config(read_yaml(WORKFLOW / "ladder_resilient.yaml")))
    assert trainings(paper) == 4
