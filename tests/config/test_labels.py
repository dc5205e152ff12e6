"""Labels: what a run may be called is taken from its resolved options."""

import dataclasses
import json

import pytest

from dcrdf.cli import main
from dcrdf.config.detectors import DETECTORS
from dcrdf.config.download import DTD, TORCHVISION_WEIGHTS
from dcrdf.config.labels import (
    MACHINE_KEYS,
    preparation_label,
    preset_alone,
    published_differences,
)
from dcrdf.config.options import PrepareOptions
from dcrdf.config.prepare_presets import PREPARE_PRESETS
from dcrdf.config.resolve import parse_config, resolve

PUBLISHED = {
    "runs": {"net": {"detector": "dcrdf_net", "preset": "paper", "pseudo": {"textures": "dtd"}}},
    "dataset": {"name": "tiny", "root": "data/tiny", "categories": ["a", "b"]},
}


@pytest.fixture
def published():
    """DCRDF-Net as its paper has it; free to be changed."""
    return json.loads(json.dumps(PUBLISHED))


def differences(values, category="a"):
    found = resolve(parse_config(values), "net", category)
    return published_differences(found, preset_alone(found.detector, found.preset))


def test_the_preset_alone_is_as_published(published, plan_of):
    assert differences(published) == {}
    assert plan_of(published).labels == {"net": "as published"}


def test_writing_out_what_the_preset_gives_changes_nothing(published, set_key, plan_of):
    for key, value in [("train.epochs", 150), ("prepare.preset", "house"), ("infer.fusion",
                       "cm_segf"), ("options.gfrn", "literal")]:  # fmt: skip
        set_key(published, f"runs.net.{key}", value)
    assert plan_of(published).labels == {"net": "as published"}


@pytest.mark.parametrize(
    ("key", "value"),
    [("prepare.image_size", 160), ("pseudo.textures", "procedural"), ("teacher.name", "resnet18"),
     ("train.epochs", 20), ("train.betas", (0.9, 0.999)), ("infer.blur_sigma_px", 2.5),
     ("train.precision", "bfloat16")],
)  # fmt: skip
@pytest.mark.parametrize("path", ["", "terms.some.", "runs.net.", "overrides.a.",
                                  "overrides.a.runs.net."])  # fmt: skip
def test_a_changed_key_is_found_wherever_it_stands(published, set_key, path, key, value):
    del published["runs"]["net"]["pseudo"]
    published |= {"terms": {"some": {}}, "pseudo": {"textures": "dtd"}}
    published["runs"]["net"]["terms"] = "some"
    set_key(published, f"{path}{key}", value)
    assert differences(published) == {key: value}


def test_options_of_the_detector_count(published, set_key):
    set_key(published, "runs.net.options.focal_gamma", 1.0)
    assert differences(published) == {"options.focal_gamma": 1.0}


def test_two_changes_that_cancel_are_none(published, set_key):
    set_key(published, "train.epochs", 20)
    set_key(published, "overrides.a.train.epochs", 150)
    assert differences(published, "a") == {}
    assert differences(published, "b") == {"train.epochs": 20}


def test_a_preset_made_into_another_says_so(published, set_key, plan_of):
    """The gate switched off is not the paper's method, whatever the preset is called."""
    set_key(published, "runs.net.options", {"gate": "none"})
    set_key(published, "runs.net.infer.fusion", "avg")
    label = plan_of(published).labels["net"]
    assert label == "published but for infer.fusion: avg, options.gate: none"


def test_keys_that_nothing_reads_do_not_count(published, set_key):
    published["runs"]["net"] = {"detector": "dcrdf_net", "preset": "baseline"}
    set_key(published, "pseudo.variants", 2)
    assert differences(published) == {}
    published["runs"]["net"] = {"detector": "memory_bank", "preset": "default"}
    set_key(published, "train.epochs", 2)
    assert differences(published) == {}


def test_what_a_machine_can_afford_does_not_count(published, set_key):
    for key in MACHINE_KEYS:
        set_key(published, key, 3)
    assert differences(published) == {}


def test_pseudo_anomalies_that_only_the_run_needs_are_compared(published, set_key):
    published["runs"]["net"] = {
        "detector": "dcrdf_net",
        "preset": "baseline",
        "options": {"pseudo_anomalies": True},
        "pseudo": {"variants": 2, "textures": "dtd"},
    }
    assert differences(published) == {"options.pseudo_anomalies": True, "pseudo.variants": 2}


WEIGHTS, TEXTURES = "downloads.weights.resnet50", "downloads.textures"


@pytest.mark.parametrize(
    ("key", "given", "label"),
    [
        (WEIGHTS, "sha256:" + 64 * "0", f"published but for {WEIGHTS}.hash: sha256:{64 * '0'}"),
        (WEIGHTS, "md5:" + 32 * "0", f"published but for {WEIGHTS}.hash: md5:{32 * '0'}"),
        (WEIGHTS, TORCHVISION_WEIGHTS["resnet50"].hash + 56 * "0", "as published"),
        (TEXTURES, "md5:" + 32 * "0", f"published but for {TEXTURES}.hash: md5:{32 * '0'}"),
        (TEXTURES, DTD.hash, "as published"),
    ],
)
def test_other_weights_and_textures_by_their_published_names_are_found(
    published, set_key, plan_of, key, given, label
):
    """Another address for the same content is none."""
    set_key(published, key, {"url": "http://127.0.0.1/mirror", "hash": given})
    assert plan_of(published).labels == {"net": label}
    published["runs"]["net"] |= {"preset": "baseline"}
    if key == TEXTURES:  # which this row does not read
        assert plan_of(published).labels == {"net": "as published"}


def test_a_change_on_one_category_names_it(published, set_key, plan_of):
    set_key(published, "overrides.b.train.epochs", 60)
    set_key(published, "train.betas", [0.9, 0.999])
    assert plan_of(published).labels["net"] == (
        "published but for train.betas: [0.9, 0.999], train.epochs: 60 (b)"
    )


@pytest.mark.parametrize(
    ("detector", "preset"),
    [("memory_bank", "default"), ("dcrdf_net", "best"), ("dcrdf_net", "dual_rd"),
     ("dcrdf_net", "perlin_gfrn_zscore_sum")],
)  # fmt: skip
def test_our_own_presets_are_never_published(published, plan_of, detector, preset):
    published["runs"]["net"] = {"detector": detector, "preset": preset}
    assert plan_of(published).labels == {"net": "not published"}


def test_what_a_publication_does_not_say_stands_in_the_label(published, plan_of, monkeypatch):
    info = dataclasses.replace(DETECTORS["dcrdf_net"], published={"paper": "steps: ours"})
    monkeypatch.setitem(DETECTORS, "dcrdf_net", info)
    assert plan_of(published).labels == {"net": "as published (steps: ours)"}
    published["train"] = {"epochs": 1}
    assert plan_of(published).labels == {"net": "published but for train.epochs: 1 (steps: ours)"}


def test_published_presets_are_presets():
    for info in DETECTORS.values():
        assert set(info.published) <= set(info.presets)


def test_preparations_are_known_by_what_they_are(monkeypatch):
    monkeypatch.setitem(PREPARE_PRESETS, "small", {"image_size": 64, "depth": "z"})
    assert preparation_label(PrepareOptions()) == "house"
    assert preparation_label(PrepareOptions(image_size=64, depth="z")) == "small"
    assert preparation_label(PrepareOptions(depth="z", fill="telea")) == (
        "own: house but for depth: z, fill: telea"
    )
    assert preparation_label(PrepareOptions(image_size=64, depth="z", resize="letterbox")) == (
        "own: small but for resize: letterbox"
    )


def test_plan_tells_preparation_and_label(minimal, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    minimal["dataset"]["categories"] = ["flange"]
    minimal["runs"]["bank"] = {
        "detector": "memory_bank",
        "preset": "default",
        "prepare": {"image_size": 64},
    }
    (tmp_path / "own.yaml").write_text(json.dumps(minimal))
    main(["plan", "own.yaml"])
    net, bank = map(json.loads, capsys.readouterr().out.splitlines())
    assert net["preparation"] == "house"
    assert net["label"] == (
        "published but for pseudo.textures: procedural, teacher.name: efficientnet_lite0,"
        " teacher.weights: package"
    )
    assert bank["preparation"] == "own: house but for image_size: 64"
    assert bank["label"] == "not published"


def test_tables_and_page_are_made_again_when_a_label_changes(published, plan_of, monkeypatch):
    before = plan_of(published)
    assert before.aggregate.options["labels"] == {"net": "as published"}
    old = before.aggregate.digest, before.report.digest
    monkeypatch.setitem(
        DETECTORS, "dcrdf_net", dataclasses.replace(DETECTORS["dcrdf_net"], published={})
    )
    after = plan_of(published)
    assert after.aggregate.options["jobs"] == before.aggregate.options["jobs"]
    assert after.aggregate.digest != old[0]
    assert after.report.digest != old[1]
