"""Defaults, presets and overrides merge in order; a bad key is named where the user wrote it."""

import pytest
import yaml

from dcrdf.config.resolve import parse_config, resolve
from dcrdf.errors import UserError


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("runs.net.preset", "papr", "runs.net.preset"),
        ("runs.net.detector", "dcrdf", "runs.net.detector"),
        ("runs.net.options.gfnr", "none", "runs.net.options.gfnr"),
        ("runs.net.train.epoch", 1, "runs.net.train.epoch"),
        ("overrides.c.train.epochs", 1, "overrides.c"),
        ("overrides.a.train.epoch", 1, "overrides.a.train.epoch"),
        ("overrides.a.options.gfrn", "none", "overrides.a.options"),
        ("overrides.a.runs.other.train.epochs", 1, "overrides.a.runs.other"),
        ("overrides.a.runs.net.options.gate", 1, "overrides.a.runs.net.options.gate"),
        ("compare.references", ["other"], "compare.references"),
        ("compare.pairs", [["net", "other"]], "compare.pairs: no run 'other'"),
    ],
)
def test_bad_key_of_a_run_or_an_override_is_named(minimal, set_key, key, value, named):
    with pytest.raises(UserError) as caught:
        parse_config(set_key(minimal, key, value))
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("stages", [[], [2, 2], [4]])
def test_bad_stages_of_the_memory_bank_are_named(minimal, set_key, stages):
    set_key(minimal, "runs.bank", {"detector": "memory_bank", "preset": "default"})
    set_key(minimal, "runs.bank.options.stages", stages)
    with pytest.raises(UserError, match=r"runs\.bank\.options\.stages"):
        parse_config(minimal)


def test_rules_between_keys(minimal, set_key):
    set_key(minimal, "runs.net.options.pseudo_anomalies", False)
    with pytest.raises(UserError, match="needs pseudo_anomalies"):
        parse_config(minimal)


def test_orientations_must_have_been_learnt(minimal, set_key):
    set_key(minimal, "runs.net.infer.orientations", 2)
    with pytest.raises(UserError, match=r"infer\.orientations.*net.*options\.augment"):
        resolve(parse_config(minimal), "net", "a")
    set_key(minimal, "runs.net.options.augment", "natural")
    assert resolve(parse_config(minimal), "net", "a").infer.orientations == 2
    bank = {"detector": "memory_bank", "preset": "default", "infer": {"orientations": 2}}
    set_key(minimal, "runs.bank", bank)
    with pytest.raises(UserError, match="memory_bank learns images as they are; set it to 1"):
        resolve(parse_config(minimal), "bank", "a")


def test_fusion_must_be_offered(minimal, set_key):
    set_key(minimal, "runs.bank", {"detector": "memory_bank", "preset": "default"})
    set_key(minimal, "runs.bank.infer.fusion", "cm_segf")
    with pytest.raises(UserError, match=r"cm_segf.*memory_bank"):
        parse_config(minimal)


def test_a_partial_section_need_not_be_valid_alone(minimal, set_key):
    """A run may name another teacher while the weights stand at the top level."""
    minimal["teacher"] = {"weights": "package"}
    set_key(minimal, "runs.net.teacher.name", "efficientnet_lite0")
    assert parse_config(minimal).runs["net"].teacher == {"name": "efficientnet_lite0"}


def test_merge_order(minimal, set_key):
    minimal["train"] = {"epochs": 10, "batch_size": 4}
    set_key(minimal, "runs.net.train", {"epochs": 20})
    set_key(minimal, "runs.other", {"detector": "dcrdf_net", "preset": "dual_rd"})
    set_key(minimal, "overrides.a.train", {"epochs": 30, "learning_rate": 0.001})
    set_key(minimal, "overrides.a.runs.net.train", {"epochs": 40})
    config = parse_config(minimal)
    on = {(run, category): resolve(config, run, category).train for run, category in
          [("net", "a"), ("net", "b"), ("other", "a"), ("other", "b")]}  # fmt: skip
    assert [on[key].epochs for key in on] == [40, 20, 30, 10]
    assert [on[key].learning_rate for key in on] == [0.001, 0.005, 0.001, 0.005]
    assert all(options.batch_size == 4 for options in on.values())


def test_preset_gives_way_to_explicit_options(minimal, set_key):
    minimal["runs"]["net"]["preset"] = "dual_rd"
    assert resolve(parse_config(minimal), "net", "a").infer.fusion == "zscore_sum"
    set_key(minimal, "runs.net.infer.fusion", "avg")
    assert resolve(parse_config(minimal), "net", "a").infer.fusion == "avg"


def test_yaml_lists_fill_tuples_and_ints_fill_floats(minimal):
    text = yaml.safe_dump({**minimal, "train": {"learning_rate": 1, "betas": [0, 0.9]}})
    config = parse_config(yaml.safe_load(text))
    assert resolve(config, "net", "a").train.betas == (0.0, 0.9)
