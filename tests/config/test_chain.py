"""Records change exactly where an option says so, and shared stages are shared."""

import copy
from pathlib import Path

import pytest

from dcrdf.config.chain import Job
from dcrdf.config.layouts import LAYOUTS
from dcrdf.config.stages import digest_of_record
from dcrdf.config.yaml_file import read_yaml

STAGES = ("prepare", "pseudo", "train", "infer", "evaluate")


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
    plan_of, minimal, set_key, key, value, first_changed
):
    before = plan_of(minimal)
    after = plan_of(set_key(minimal, f"overrides.a.{key}", value))
    below = STAGES[STAGES.index(first_changed) :]
    assert changed_stages(before, after) == {("net", "a", 0, name) for name in below}


def test_degradations_are_a_stage_of_the_jobs_that_ask_for_them(plan_of, minimal, set_key):
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


def test_order_and_spelling_change_nothing(plan_of, minimal):
    minimal["train"] = {"epochs": 3, "learning_rate": 0.001}
    other = copy.deepcopy(minimal)
    other["train"] = {"learning_rate": 1.0e-3, "epochs": 3}
    assert changed_stages(plan_of(minimal), plan_of(dict(reversed(other.items())))) == set()


def test_runs_share_what_they_agree_on(plan_of, minimal):
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


def test_memory_bank_does_not_depend_on_epochs(plan_of, minimal, set_key):
    minimal["runs"] = {"bank": {"detector": "memory_bank", "preset": "default"}}
    before = plan_of(minimal)
    assert changed_stages(before, plan_of(set_key(minimal, "train.epochs", 7))) == set()


def test_seeds_share_data_but_not_models(plan_of, minimal):
    minimal["seeds"] = [0, 1]
    plan = plan_of(minimal)
    zero, one = plan.chain("net", "a", 0), plan.chain("net", "a", 1)
    assert (zero.prepare.digest, zero.pseudo.digest) == (one.prepare.digest, one.pseudo.digest)
    assert zero.train.digest != one.train.digest


def test_comparing_touches_no_other_stage(plan_of, minimal):
    minimal["runs"]["max"] = {**minimal["runs"]["net"], "infer": {"fusion": "max"}}
    before = plan_of(minimal)
    minimal["compare"] = {"references": ["net"]}
    compared = plan_of(minimal)
    assert changed_stages(before, compared) == set()
    assert before.resamples == []
    assert len(compared.resamples) == len(compared.jobs)
    assert before.aggregate.digest != compared.aggregate.digest


def test_another_reference_draws_nothing_anew(plan_of, minimal, set_key):
    minimal["runs"]["max"] = {**minimal["runs"]["net"], "infer": {"fusion": "max"}}
    minimal["compare"] = {"references": ["net"]}
    before = plan_of(minimal)
    digests = {job: chain.resample.digest for job, chain in before.chains.items()}
    other = plan_of(set_key(minimal, "compare.references", ["max"]))
    assert {job: chain.resample.digest for job, chain in other.chains.items()} == digests
    assert before.aggregate.digest != other.aggregate.digest
    more = plan_of(set_key(minimal, "compare.resamples", 2000))
    assert all(chain.resample.digest != digests[job] for job, chain in more.chains.items())


PINNED = {
    ("workflow/demo.yaml", "prepare"): "be2f6805 dd447691 eac80246",
    ("config.yaml", "prepare"): "1e8d0cd9 540ccbd5 6b4e8f4a 7e624776 944b8956 b86238e1 c320ac3d"
    " d244b04d dfc5c8ae e72badd4",
    ("workflow/robustness.yaml", "prepare"): "be2f6805 dd447691 eac80246",
    ("workflow/robustness.yaml", "robustness"): "60df07f7 b256b5f0 ec98fda3",
}
"""Digests of the options before readers had options."""


@pytest.mark.parametrize(("file", "stage"), list(PINNED))
def test_readers_without_options_leave_records_as_they_were(plan_of, file, stage):
    plan = plan_of(read_yaml(Path(__file__).parents[2] / file))
    records = [getattr(chain, stage) for chain in plan.chains.values()]
    found = {digest_of_record(record.options) for record in records if record is not None}
    assert " ".join(sorted(found)) == PINNED[file, stage]


DEFAULTS = {
    "mvtec3d": None,
    "folder": None,
    "eyecandies": {"light": 4, "scale": 0.1, "cut": False},
    "adam3d": {"unit": "auto"},
    "pdreal": {"unit": "auto"},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_options_of_a_reader_are_in_the_records_of_what_reads_scans(plan_of, minimal, layout):
    minimal["dataset"] |= {"layout": layout, "synthetic": None}
    minimal["robustness"] = {"degradations": ["rgb_absent"]}
    chain = plan_of(minimal).chain("net", "a", 0)
    for record in (chain.prepare, chain.robustness):
        assert record.options.get("reader") == DEFAULTS[layout]
    for record in (chain.pseudo, chain.train, chain.infer, chain.evaluate):
        assert "reader" not in record.options


def test_another_light_starts_from_the_raw_scans(plan_of, minimal):
    minimal["dataset"] |= {"layout": "eyecandies", "synthetic": None}
    default = plan_of(minimal)
    minimal["dataset"]["reader"] = {"light": 4, "scale": 0.1}
    assert changed_stages(default, plan_of(minimal)) == set()
    minimal["dataset"]["reader"]["light"] = 5
    changed = changed_stages(default, plan_of(minimal))
    assert changed == {("net", category, 0, stage) for category in "ab" for stage in STAGES}
