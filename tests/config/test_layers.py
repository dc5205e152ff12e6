"""The nearest layer wins, and a preparation's name drops what stands below it."""

import itertools

import pytest

from dcrdf.config.detectors import DETECTORS
from dcrdf.config.layers import merged
from dcrdf.config.prepare_presets import PREPARE_PRESETS
from dcrdf.config.resolve import parse_config, resolve
from dcrdf.errors import UserError

PLACES = ("preset", "top", "terms", "run", "category", "within")
"""Layers from the farthest to the nearest."""
PAIRS = list(itertools.combinations(PLACES, 2))
PATHS = {
    "top": "",
    "terms": "terms.some.",
    "run": "runs.net.",
    "category": "overrides.a.",
    "within": "overrides.a.runs.net.",
}
SMALL = {"image_size": 64, "depth": "z"}


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setitem(PREPARE_PRESETS, "small", SMALL)


@pytest.fixture
def layered(minimal, set_key, monkeypatch):
    """Resolves run `net` on category `a` (or another) with a section set at several places."""

    def resolved(section, given, run="net", category="a"):
        chosen = {"detector": "dcrdf_net", "preset": "layered", "terms": "some"}
        minimal["runs"] = {"net": dict(chosen), "other": {**chosen, "terms": None}}
        minimal["terms"] = {"some": {}}
        own = {section: given["preset"]} if "preset" in given else {}
        paper = DETECTORS["dcrdf_net"].presets["paper"]
        monkeypatch.setitem(DETECTORS["dcrdf_net"].presets, "layered", {**paper, **own})
        for place, path in PATHS.items():
            if place in given:
                set_key(minimal, f"{path}{section}", given[place])
        return resolve(parse_config(minimal), run, category)

    return resolved


@pytest.mark.parametrize(("low", "high"), PAIRS)
@pytest.mark.parametrize(
    ("section", "key", "nearest"),
    [("prepare", "image_size", 128), ("pseudo", "variants", 2), ("train", "epochs", 2),
     ("infer", "batch_size", 2), ("evaluate", "bootstrap", 2), ("robustness", "seed", 2)],
)  # fmt: skip
def test_the_nearer_of_two_layers_wins(layered, section, key, nearest, low, high):
    found = layered(section, {low: {key: 64}, high: {key: nearest}})
    assert found.value(f"{section}.{key}") == nearest


@pytest.mark.parametrize("place", PLACES)
def test_every_layer_wins_over_the_default_and_keeps_what_it_does_not_say(layered, place):
    found = layered("train", {place: {"epochs": 7}})
    assert (found.train.epochs, found.train.batch_size) == (7, 16)


@pytest.mark.parametrize(
    ("low", "high"), [("preset", "run"), ("preset", "within"), ("run", "within")]
)
def test_options_have_the_layers_that_know_the_detector(layered, low, high):
    found = layered("options", {low: {"focal_gamma": 1.0}, high: {"focal_gamma": 3.0}})
    assert found.options.focal_gamma == 3.0


def test_terms_reach_only_the_runs_that_name_them(layered):
    given = {"top": {"epochs": 5}, "terms": {"epochs": 9}}
    assert layered("train", given).train.epochs == 9
    assert layered("train", given, run="other").train.epochs == 5
    assert layered("train", given, category="b").train.epochs == 9


@pytest.mark.parametrize("named", PLACES)
@pytest.mark.parametrize("said", PLACES)
def test_a_preparations_name_drops_the_keys_of_layers_below(layered, named, said):
    given = {said: {"image_size": 128, "resize": "letterbox"}}
    given[named] = {**given.get(named, {}), "preset": "small"}
    prepare = layered("prepare", given).prepare
    survives = PLACES.index(said) >= PLACES.index(named)
    assert prepare.image_size == (128 if survives else 64)
    assert prepare.resize == ("letterbox" if survives else "stretch")
    assert prepare.depth == "z"


@pytest.mark.parametrize(("low", "high"), PAIRS)
def test_the_nearer_of_two_preparations_is_the_whole(layered, low, high):
    prepare = layered("prepare", {low: {"preset": "small"}, high: {"preset": "house"}}).prepare
    assert (prepare.image_size, prepare.depth) == (256, "height")


STATES = ({}, {"image_size": 1}, {"preset": "small"}, {"preset": "small", "image_size": 1},
          {"preset": "house"})  # fmt: skip


def test_all_layers_at_once_agree_with_reading_from_the_nearest_outwards():
    def slow(layers):
        for at in reversed(range(len(layers))):
            if "image_size" in layers[at]:
                return at
            if "preset" in layers[at]:
                return PREPARE_PRESETS[layers[at]["preset"]].get("image_size")
        return None

    for states in itertools.product(STATES, repeat=len(PLACES)):
        layers = [
            {**state, "image_size": at} if "image_size" in state else state
            for at, state in enumerate(states)
        ]
        found = merged("prepare", [{"prepare": layer} for layer in layers])
        assert found.get("image_size") == slow(layers)
        assert "preset" not in found


def test_only_the_preparation_has_names():
    assert merged("options", [{"options": {"preset": "small"}}]) == {"preset": "small"}


def test_a_name_and_its_keys_by_hand_are_one_record(plan_of, minimal, set_key):
    set_key(minimal, "prepare.resize", "letterbox")
    named = plan_of(set_key(minimal, "runs.net.prepare", {"preset": "small"}))
    del minimal["prepare"]
    by_hand = plan_of(set_key(minimal, "runs.net.prepare", SMALL))
    for job in named.jobs:
        assert named.chains[job].prepare.digest == by_hand.chains[job].prepare.digest
        assert named.chains[job].evaluate.digest == by_hand.chains[job].evaluate.digest
    assert "small" not in str([chain.prepare for chain in named.chains.values()])


@pytest.mark.parametrize("path", PATHS.values())
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"preset": "smal"}, r"prepare\.preset: no such preparation; allowed: house, .*small"),
        ({"preset": None}, r"prepare\.preset: input should be a valid string"),
        ({"presets": "small"}, r"unknown key '.*prepare\.presets'; allowed here: .*\bpreset\b"),
        ({"preset": "small", "image_size": 100}, r"prepare\.image_size: .*multiple of 32"),
    ],
)
def test_bad_preparations_are_named_where_they_stand(minimal, set_key, path, given, message):
    minimal["terms"] = {"some": {}}
    set_key(minimal, f"{path}prepare", given)
    with pytest.raises(UserError, match=message) as caught:
        parse_config(minimal)
    assert f"{path}prepare." in str(caught.value)
    assert "\n" not in str(caught.value)


def test_detectors_presets_name_preparations_that_there_are():
    for info in DETECTORS.values():
        for sections in info.presets.values():
            assert sections.get("prepare", {}).get("preset", "house") in PREPARE_PRESETS
