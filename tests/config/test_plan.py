"""Records change exactly where an option says so, and shared stages are shared."""

import copy
import json
import os
from pathlib import Path

import pytest

from dcrdf.config.plan import Job, Plan
from dcrdf.config.resolve import parse_config
from dcrdf.config.sources import EMBEDDED_CATEGORIES, SYNTHETIC_SIGN
from dcrdf.config.stages import Stage
from dcrdf.datasets.synthetic.generate import CATEGORIES
from dcrdf.errors import UserError

STAGES = ("prepare", "pseudo", "train", "infer", "evaluate")


def plan_of(values):
    return Plan(parse_config(copy.deepcopy(values)))


def changed_stages(before, after):
    """(run, category, seed, stage) of records that differ."""
    return {
        (*job, name)
        for job in before.jobs
        for name in STAGES
        if (old := getattr(before.chains[job], name)) is not None
        and old.digest != getattr(after.chains[job], name).digest
    }


@pytest.mark.parametrize(
    ("key", "value", "first_changed"),
    [
        ("prepare.image_size", 128, "prepare"),
        ("pseudo.variants", 2, "pseudo"),
        ("train.epochs", 3, "train"),
        ("teacher.weights", "other.safetensors", "train"),
        ("infer.blur_sigma_px", 2.0, "infer"),
        ("evaluate.limits", [0.3], "evaluate"),
    ],
)
def test_one_categorys_option_changes_its_stage_and_below(
    minimal, set_key, key, value, first_changed
):
    before = plan_of(minimal)
    after = plan_of(set_key(minimal, f"overrides.a.{key}", value))
    below = STAGES[STAGES.index(first_changed) :]
    assert changed_stages(before, after) == {("net", "a", 0, name) for name in below}


def test_degradations_are_a_stage_of_the_jobs_that_ask_for_them(minimal, set_key):
    plain = plan_of(minimal)
    assert plain.robustness_outputs == []
    assert all(chain.robustness is None for chain in plain.chains.values())
    set_key(minimal, "overrides.a.robustness.degradations", ["rgb_absent"])
    asked = plan_of(minimal)
    assert changed_stages(plain, asked) == set()
    assert asked.robustness_outputs == [asked.run_folder(Job("net", "a", 0)) / "robustness.json"]
    of_a, of_b = asked.aggregate.options["jobs"]
    assert of_b == plain.aggregate.options["jobs"][1]
    assert of_a["robustness"] == asked.chains["net", "a", 0].robustness.digest


def test_order_and_spelling_change_nothing(minimal):
    minimal["train"] = {"epochs": 3, "learning_rate": 0.001}
    other = copy.deepcopy(minimal)
    other["train"] = {"learning_rate": 1.0e-3, "epochs": 3}
    assert changed_stages(plan_of(minimal), plan_of(dict(reversed(other.items())))) == set()


def test_runs_share_what_they_agree_on(minimal):
    minimal["runs"]["max"] = {
        "detector": "dcrdf_net",
        "preset": "paper",
        "infer": {"fusion": "max"},
    }
    plan = plan_of(minimal)
    first, second = plan.chain("net", "a", 0), plan.chain("max", "a", 0)
    assert first.train.digest == second.train.digest
    assert first.infer.digest != second.infer.digest
    assert plan.model_folder(Job("net", "a", 0)) == plan.model_folder(Job("max", "a", 0))


def test_memory_bank_does_not_depend_on_epochs(minimal, set_key):
    minimal["runs"] = {"bank": {"detector": "memory_bank", "preset": "default"}}
    before = plan_of(minimal)
    assert changed_stages(before, plan_of(set_key(minimal, "train.epochs", 7))) == set()


def test_seeds_share_data_but_not_models(minimal):
    minimal["seeds"] = [0, 1]
    plan = plan_of(minimal)
    zero, one = plan.chain("net", "a", 0), plan.chain("net", "a", 1)
    assert (zero.prepare.digest, zero.pseudo.digest) == (one.prepare.digest, one.pseudo.digest)
    assert zero.train.digest != one.train.digest


def test_stage_json_round_trip(minimal):
    stage = plan_of(minimal).chain("net", "a", 0).train
    again = Stage.from_json(stage.to_json(), "train")
    assert again.digest == stage.digest
    with pytest.raises(UserError, match="infer"):
        Stage.from_json(stage.to_json(), "infer")
    with pytest.raises(UserError, match="not a stage record"):
        Stage.from_json("{", "train")


@pytest.mark.parametrize(
    ("name", "named"),
    [
        (b"{seed}.png", "braces"),
        (b"<b>.png", "angle brackets"),
        (b"\xff\xfe.png", r"\\xff\\xfe.png: the name is not UTF-8"),
    ],
)
def test_scans_whose_names_no_rule_could_hold_are_refused(minimal, tmp_path, name, named):
    folder = tmp_path / "a" / "train" / "good" / "rgb"
    folder.mkdir(parents=True)
    Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(b"x")
    minimal["dataset"] |= {"root": str(tmp_path), "synthetic": None, "categories": ["a"]}
    with pytest.raises(UserError, match=named):
        plan_of(minimal).check()


@pytest.mark.parametrize("place", ["all", "test/all"])
def test_a_kind_that_tables_call_all_of_them_is_refused(minimal, tmp_path, place):
    folder = tmp_path / "a" / place / "rgb"
    folder.mkdir(parents=True)
    (folder / "000.png").write_bytes(b"x")
    minimal["dataset"] |= {"root": str(tmp_path), "synthetic": None, "categories": ["a"]}
    with pytest.raises(UserError, match=f"{place}: 'all' stands for all kinds of defects"):
        plan_of(minimal).check()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"options": "x"}, "not a stage record"),
        ({"upstream": 5}, "not a stage record"),
        ({"version": "5"}, "'5' is no version"),
        ({"options": {"a": "\ud800"}}, "not a stage record"),
    ],
)
def test_a_record_of_wrong_content_is_refused(minimal, changes, named):
    record = plan_of(minimal).chain("net", "a", 0).train.to_dict() | changes
    with pytest.raises(UserError, match=named):
        Stage.from_json(json.dumps(record), "train")


def test_an_entry_that_a_record_lacks_is_named(minimal):
    record = plan_of(minimal).chain("net", "a", 0).train.to_dict() | {"options": {}, "upstream": {}}
    stage = Stage.from_json(json.dumps(record), "train")
    with pytest.raises(UserError, match="--stage: the record lacks 'detector'"):
        stage.options["detector"]
    with pytest.raises(UserError, match="--stage: the record lacks 'prepare'"):
        stage.upstream["prepare"]
    assert "pseudo" not in stage.upstream


def test_own_folder_is_read_file_by_file(minimal, tmp_path):
    folder = tmp_path / "a" / "train" / "good" / "rgb"
    folder.mkdir(parents=True)
    (folder / "000.png").write_bytes(b"x")
    minimal["dataset"] |= {"root": str(tmp_path), "synthetic": None}
    assert plan_of(minimal).sources.raw_inputs("a") == [folder / "000.png"]


DOWNLOAD = {"url": "https://example.org/set.zip", "hash": "md5:" + "0" * 32}


def test_only_what_is_needed_and_not_there_is_downloaded(minimal, tmp_path, set_key):
    minimal["dataset"] |= {"root": str(tmp_path / "set"), "synthetic": None, "categories": ["a"]}
    minimal["downloads"] = {"dataset": DOWNLOAD}
    minimal["data"] = str(tmp_path)
    assert plan_of(minimal).downloads == [tmp_path / "set/.dcrdf-download.json"]
    (tmp_path / "set" / "a").mkdir(parents=True)
    assert plan_of(minimal).downloads == []
    set_key(minimal, "teacher", {"name": "resnet18", "weights": "torchvision"})
    set_key(minimal, "pseudo.textures", "dtd")
    assert plan_of(minimal).downloads == [
        tmp_path / "dtd/.dcrdf-download.json",
        tmp_path / "weights/resnet18.pth",
    ]


def test_nothing_is_downloaded_beside_other_data(minimal, tmp_path):
    (tmp_path / "a").mkdir()
    minimal["dataset"] |= {"root": str(tmp_path), "synthetic": None, "categories": ["a", "b"]}
    minimal["downloads"] = {"dataset": DOWNLOAD}
    with pytest.raises(UserError, match=r"/b: no such folder, and nothing is downloaded into"):
        plan_of(minimal).check()


def test_missing_root_is_named(minimal, tmp_path):
    minimal["dataset"] |= {"root": str(tmp_path / "nowhere"), "synthetic": None}
    with pytest.raises(UserError, match="nowhere"):
        plan_of(minimal).sources.raw_inputs("a")


def test_a_half_removed_embedded_category_is_made_anew(minimal, tmp_path):
    """Its marker is gone but not the sign beside it: not the user's own folder."""
    (tmp_path / "flange").mkdir()
    (tmp_path / "flange" / SYNTHETIC_SIGN).touch()
    minimal["dataset"] |= {"root": str(tmp_path), "categories": ["flange"]}
    sources = plan_of(minimal).sources
    assert sources.raw_inputs("flange") == [sources.synthetic_marker("flange")]


def test_synthetic_left_standing_for_own_data_is_refused(minimal, tmp_path):
    """Own scans below an embedded category's name, and a category that cannot be made."""
    minimal["dataset"] |= {"root": str(tmp_path), "categories": ["flange"]}
    plan_of(minimal).check()
    (tmp_path / "flange" / "good").mkdir(parents=True)
    with pytest.raises(UserError, match=r"flange holds data that dcrdf did not make"):
        plan_of(minimal).check()
    minimal["dataset"]["categories"] = ["bracket"]
    with pytest.raises(UserError, match=r"dataset\.synthetic: makes .*, not 'bracket'"):
        plan_of(minimal).check()


def test_embedded_categories_are_those_that_can_be_made():
    assert set(EMBEDDED_CATEGORIES) == set(CATEGORIES)


@pytest.mark.parametrize(
    ("key", "value"),
    [("teacher.weights", "no.safetensors"), ("pseudo.textures", "no/textures")],
)
def test_missing_weights_and_textures_stop_before_anything_runs(
    minimal, set_key, tmp_path, monkeypatch, key, value
):
    monkeypatch.chdir(tmp_path)
    minimal["dataset"]["categories"] = ["flange", "handle"]
    plan_of(minimal).check()
    set_key(minimal, f"overrides.handle.{key}", value)
    with pytest.raises(UserError, match=f"{key}: {value}: no such"):
        plan_of(minimal).check()
    path = tmp_path / value
    path.parent.mkdir(exist_ok=True)
    path.touch() if path.suffix else path.mkdir()
    if key == "pseudo.textures":
        with pytest.raises(UserError, match=f"{key}: {value}: holds no .jpg or .png image"):
            plan_of(minimal).check()
        (path / "a.png").touch()
    plan_of(minimal).check()


def test_textures_that_no_run_uses_may_be_missing(minimal, set_key):
    minimal["dataset"]["categories"] = ["flange"]
    minimal["runs"]["net"]["preset"] = "dual_rd"
    plan_of(set_key(minimal, "pseudo.textures", "no/textures")).check()


def test_comparing_touches_no_other_stage(minimal):
    minimal["runs"]["max"] = {**minimal["runs"]["net"], "infer": {"fusion": "max"}}
    before = plan_of(minimal)
    minimal["compare"] = {"references": ["net"]}
    compared = plan_of(minimal)
    assert changed_stages(before, compared) == set()
    assert before.resamples == []
    assert len(compared.resamples) == len(compared.jobs)
    assert before.aggregate.digest != compared.aggregate.digest


def test_another_reference_draws_nothing_anew(minimal, set_key):
    minimal["runs"]["max"] = {**minimal["runs"]["net"], "infer": {"fusion": "max"}}
    minimal["compare"] = {"references": ["net"]}
    before = plan_of(minimal)
    digests = {job: chain.resample.digest for job, chain in before.chains.items()}
    other = plan_of(set_key(minimal, "compare.references", ["max"]))
    assert {job: chain.resample.digest for job, chain in other.chains.items()} == digests
    assert before.aggregate.digest != other.aggregate.digest
    more = plan_of(set_key(minimal, "compare.resamples", 2000))
    assert all(chain.resample.digest != digests[job] for job, chain in more.chains.items())


def test_own_textures_are_read_file_by_file(minimal, set_key, tmp_path):
    """Or a replaced texture would rerun nothing."""
    paths = [tmp_path / "a.png", tmp_path / "b" / "c.JPG"]
    (tmp_path / "b").mkdir()
    for path in (*paths, tmp_path / "notes.txt"):
        path.write_bytes(b"x")
    plan = plan_of(set_key(minimal, "pseudo.textures", str(tmp_path)))
    stage = plan.chain("net", "a", 0).pseudo
    assert plan.pseudo_inputs("a", stage.digest)["own_textures"] == paths
    (tmp_path / "{x}.png").write_bytes(b"x")
    with pytest.raises(UserError, match="braces"):
        plan.sources.check_textures(str(tmp_path))
