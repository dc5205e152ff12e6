"""Terms: a named layer, and runs on equal terms are equal."""

import copy
import dataclasses

import pytest

from dcrdf.config.detectors import DETECTORS
from dcrdf.config.resolve import parse_config, resolve
from dcrdf.config.terms import terms_differences
from dcrdf.errors import UserError

TERMS = {
    "equal": True,
    "prepare": {"preset": "house", "image_size": 160},
    "train": {"epochs": 20, "batch_size": 8, "min_steps": 0, "cpu_threads": 1},
    "infer": {"blur_sigma_px": 2.5, "score": "max", "orientations": 1, "cpu_threads": 1},
}


@pytest.fixture
def equal(minimal):
    """Two runs of different detectors on equal terms."""
    minimal["terms"] = {"fair": copy.deepcopy(TERMS)}
    minimal["runs"] = {
        "rd": {"detector": "dcrdf_net", "preset": "dual_rd", "terms": "fair"},
        "bank": {"detector": "memory_bank", "preset": "default", "terms": "fair"},
    }
    return minimal


def found(values):
    """The differences of a configuration, without those being refused."""
    for section in values["terms"].values():
        section.pop("equal", None)
    config = parse_config(values)
    binding = {name: one.model_copy(update={"equal": True}) for name, one in config.terms.items()}
    config = config.model_copy(update={"terms": binding})
    resolved = {
        (run, category): resolve(config, run, category)
        for run in config.runs
        for category in config.dataset.categories
    }
    return terms_differences(config, resolved)


def test_equal_runs_are_accepted(equal):
    assert parse_config(equal).terms["fair"].equal
    assert found(equal) == []


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("infer.blur_sigma_px", 4.0, "infer.blur_sigma_px 4.0, others 2.5"),
        ("infer.top_share", 0.5, "infer.top_share 0.5, others 0.001"),
        ("prepare.preset", "house", "prepare.image_size 256, others 160"),
        ("prepare.depth", "z", "prepare.depth z, others height"),
        ("teacher.weights", "x.safetensors", "teacher.weights x.safetensors, others package"),
        ("evaluate.modes", ["exact", "mvtec100"],
         'evaluate.modes ["exact", "mvtec100"], others ["exact"]'),
    ],
)  # fmt: skip
def test_one_changed_key_is_refused(equal, set_key, key, value, said):
    set_key(equal, f"runs.bank.{key}", value)
    with pytest.raises(UserError) as caught:
        parse_config(equal)
    assert str(caught.value).startswith(f"config: terms.fair: run bank: {said} (on a)")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["overrides.b.runs.bank", "runs.bank"])
def test_no_way_of_writing_hides_a_difference(equal, set_key, path):
    set_key(equal, f"{path}.infer.blur_sigma_px", 4.0)
    with pytest.raises(UserError, match=r"run bank: infer\.blur_sigma_px"):
        parse_config(equal)


def test_a_whole_category_may_differ_and_the_others_are_named_by_most(equal, set_key):
    set_key(equal, "overrides.b.infer.blur_sigma_px", 4.0)
    assert found(equal) == []
    equal["runs"]["more"] = {**equal["runs"]["rd"], "preset": "paper"}
    set_key(equal, "overrides.a.runs.rd.infer.blur_sigma_px", 1.0)
    (one,) = found(equal)
    assert one == ("fair", "rd", "a", "infer.blur_sigma_px", 1.0, 2.5)


def test_what_a_detector_declares_its_own_may_differ(equal, set_key, monkeypatch):
    set_key(equal, "runs.rd.infer.maps", "whitened")
    set_key(equal, "runs.rd.infer.fusion", "peak_norm")
    parse_config(equal)
    names = ("dcrdf_net", "memory_bank")
    for name in names:
        plain = dataclasses.replace(DETECTORS[name], own_terms=frozenset())
        monkeypatch.setitem(DETECTORS, name, plain)
    assert [(one.run, one.key) for one in found(equal)] == [
        (run, key) for _ in "ab" for run, key in
        (("bank", "infer.maps"), ("bank", "infer.fusion"))
    ]  # fmt: skip


def test_what_is_one_detectors_own_binds_all_others(equal, set_key, monkeypatch):
    own = dataclasses.replace(DETECTORS["dcrdf_net"], own_terms=frozenset({"infer.blur_sigma_px"}))
    monkeypatch.setitem(DETECTORS, "dcrdf_net", own)
    set_key(equal, "runs.rd.infer.blur_sigma_px", 1.0)
    equal["runs"]["second"] = copy.deepcopy(equal["runs"]["bank"])
    assert found(equal) == []
    set_key(equal, "runs.second.infer.blur_sigma_px", 4.0)
    (one,) = {(one.run, one.value, one.others) for one in found(equal)}
    assert one == ("second", 4.0, 2.5)


def test_training_keys_that_a_detector_does_not_read_do_not_count(equal, set_key):
    set_key(equal, "runs.bank.train.epochs", 3)
    assert "epochs" not in DETECTORS["memory_bank"].train_fields
    parse_config(equal)
    equal["runs"]["more"] = {**equal["runs"]["rd"], "train": {"epochs": 3}}
    with pytest.raises(UserError, match=r"run more: train\.epochs 3, others 20"):
        parse_config(equal)


def test_terms_are_only_a_layer_unless_they_say_equal(equal, set_key):
    set_key(equal, "runs.bank.infer.blur_sigma_px", 4.0)
    equal["terms"]["fair"] = {**TERMS, "equal": False}
    assert resolve(parse_config(equal), "bank", "a").train.epochs == 20


def test_runs_of_other_terms_are_not_compared(equal):
    equal["terms"]["loose"] = {"infer": {"blur_sigma_px": 1.0}}
    equal["runs"]["loose"] = {**equal["runs"]["bank"], "terms": "loose"}
    equal["runs"]["none"] = {"detector": "memory_bank", "preset": "default"}
    parse_config(equal)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("terms.fair.train.epoch", 1, r"unknown key 'terms\.fair\.train\.epoch'"),
        ("terms.fair.trian", {}, r"unknown key 'terms\.fair\.trian'"),
        ("terms.fair.options", {}, r"unknown key 'terms\.fair\.options'"),
        ("terms.fair.infer.fusion", "sum", r"terms\.fair\.infer\.fusion"),
        ("terms.fair.equal", "yes", r"terms\.fair\.equal"),
        ("runs.bank.terms", "far", r"runs\.bank\.terms: no terms 'far'; known: fair"),
        ("runs.bank.terms", ["fair", "fair"], r"runs\.bank\.terms: input should be a valid string"),
        ("overrides.a.terms", "fair", r"unknown key 'overrides\.a\.terms'"),
    ],
)
def test_bad_terms_are_named_where_they_stand(equal, set_key, key, value, message):
    set_key(equal, key, value)
    with pytest.raises(UserError, match=message) as caught:
        parse_config(equal)
    assert "\n" not in str(caught.value)


def test_terms_that_nobody_wrote(minimal, set_key):
    with pytest.raises(UserError, match=r"runs\.net\.terms: no terms 'fair'; known: none"):
        parse_config(set_key(minimal, "runs.net.terms", "fair"))


def test_terms_that_no_run_names_are_checked_all_the_same(minimal, set_key):
    with pytest.raises(UserError, match=r"terms\.idle\.train\.epochs"):
        parse_config(set_key(minimal, "terms.idle.train.epochs", 0))


def test_declared_own_terms_are_keys_that_there_are():
    for info in DETECTORS.values():
        for key in info.own_terms:
            section, _, name = key.partition(".")
            assert section in ("prepare", "teacher", "train", "infer", "evaluate")
            assert section != "train" or name in info.train_fields
