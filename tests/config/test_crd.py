"""Crossmodal Reverse Distillation's presets against its paper's rows; refusals; its ladders."""

from collections import defaultdict
from pathlib import Path

import pytest

from dcrdf.config.detectors import DETECTORS, CrdOptions
from dcrdf.config.detectors.crd import PRINTED
from dcrdf.config.labels import AS_PUBLISHED, preset_alone
from dcrdf.config.options import PrepareOptions, TrainOptions
from dcrdf.config.plan import Plan
from dcrdf.config.prepare_presets import PREPARE_PRESETS
from dcrdf.config.resolve import parse_config, resolve
from dcrdf.config.yaml_file import read_yaml
from dcrdf.errors import UserError

WORKFLOW = Path(__file__).parents[2] / "workflow"
INFO = DETECTORS["crd"]
ROWS = {  # options, maps, fusion; the paper's table by table
    "paper": ({}, "crossmodal", "zscore_sum"),
    "no_assistants": ({"filter": "none", "amplifier": "none"}, "raw", "zscore_sum"),
    "rgb_plain": ({"filter": "none", "amplifier": "none"}, "raw", "rgb"),
    "depth_plain": ({"filter": "none", "amplifier": "none"}, "raw", "depth"),
    "rgb_crossmodal": ({}, "crossmodal", "rgb_crossmodal"),
    "depth_crossmodal": ({}, "crossmodal", "depth_crossmodal"),
    "filter_only": ({"amplifier": "none"}, "crossmodal", "zscore_sum"),
    "amplifier_only": ({"filter": "none"}, "crossmodal", "zscore_sum"),
    "filter_identity": ({"filter": "identity", "amplifier": "none"}, "crossmodal", "zscore_sum"),
    "filter_16": ({"filter_depth": 0, "amplifier": "none"}, "crossmodal", "zscore_sum"),
    "filter_4": ({"filter_depth": 2, "amplifier": "none"}, "crossmodal", "zscore_sum"),
    "amplifier_identity": ({"filter": "none", "amplifier": "identity"}, "crossmodal", "zscore_sum"),
    "amplifier_4x": ({"filter": "none", "expansion": 4}, "crossmodal", "zscore_sum"),
    "plain_sum": ({}, "crossmodal", "avg"),
    "product": ({}, "crossmodal", "product"),
    "eyecandies": ({}, "crossmodal", "zscore_sum"),
    "trd": ({"stop_gradient": "none"}, "crossmodal", "zscore_sum"),
    "trd_normals": ({"stop_gradient": "none"}, "crossmodal", "zscore_sum"),
    "after": ({"mixing": "after"}, "crossmodal", "zscore_sum"),
}
PREPARED = {
    "eyecandies": {**PREPARE_PRESETS["crd"], "surface": "normals", "normals": "given"},
    "trd_normals": PREPARE_PRESETS["crd_normals"],
}
BEYOND = {"trd", "trd_normals", "after"}


@pytest.fixture
def crd(minimal):
    """A configuration of one such run that says nothing else."""
    minimal.pop("teacher", None)
    minimal["runs"] = {"crd": {"detector": "crd", "preset": "paper"}}
    return minimal


def test_every_preset_is_a_row():
    assert set(INFO.presets) == set(ROWS)
    assert set(INFO.published) == set(ROWS) - BEYOND
    assert len(PRINTED) == 15
    defaults = CrdOptions()
    assert (defaults.filter, defaults.filter_depth, defaults.amplifier, defaults.expansion) == (
        "bottleneck", 1, "inverted", 2,
    )  # fmt: skip
    assert (defaults.mixing, defaults.stop_gradient, defaults.absent) == (
        "between", "output", "cycle",
    )  # fmt: skip


@pytest.mark.parametrize("preset", list(ROWS))
def test_presets_resolve_to_their_rows_whatever_stands_further_out(crd, set_key, preset):
    """Terms that say the preset's own rate undo another one at the top level."""
    set_key(crd, "train.learning_rate", 0.001)
    set_key(crd, "terms.own.train.learning_rate", 0.005)
    set_key(crd, "runs.crd.terms", "own")
    set_key(crd, "runs.crd.preset", preset)
    if preset == "eyecandies":
        crd["dataset"] |= {"layout": "eyecandies", "synthetic": None}
    config = parse_config(crd)
    resolved = resolve(config, "crd", "a")
    options, maps, fusion = ROWS[preset]
    assert resolved.options == CrdOptions(**options)
    assert (resolved.infer.maps, resolved.infer.fusion) == (maps, fusion)
    assert (resolved.infer.blur_sigma_px, resolved.infer.score) == (4.0, "max")
    assert resolved.infer.orientations == 1
    epochs = 100 if preset == "eyecandies" else 200
    assert resolved.train == TrainOptions(
        epochs=epochs, batch_size=16, learning_rate=0.005, betas=(0.5, 0.999), min_steps=0,
        schedule="exponential", decay=0.95,
    )  # fmt: skip
    assert resolved.teacher.name == "wide_resnet50_2"
    prepared = PREPARED.get(preset, PREPARE_PRESETS["crd"])
    assert resolved.prepare == PrepareOptions.parse(dict(prepared), "prepare")
    assert resolved.prepare.image_size == 256
    label = Plan(config).labels["crd"]
    expected = "not published" if preset in BEYOND else AS_PUBLISHED
    note = INFO.published.get(preset)
    assert label == (f"{expected} ({note})" if note else expected)


def test_the_filters_rows_that_the_paper_does_not_name_say_so():
    assert INFO.published["filter_16"] == INFO.published["filter_4"] == "row: open"
    assert preset_alone("crd", "filter_4").options.filter_depth == 2


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"amplifier": "none", "mixing": "after"}, "mixing and stop_gradient"),
        ({"amplifier": "none", "stop_gradient": "none"}, "mixing and stop_gradient"),
        ({"filter_depth": 3}, r"filter_depth"),
        ({"expansion": 1}, r"expansion"),
        ({"modality_dropout": 1.5}, r"modality_dropout"),
        ({"filtre": "none"}, r"filtre"),
    ],
)
def test_options_that_mean_nothing_are_refused(crd, options, named):
    crd["runs"]["crd"]["options"] = options
    with pytest.raises(UserError, match=named) as caught:
        parse_config(crd)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("size", "fits"), [(64, False), (96, False), (128, True), (160, False),
                                            (192, True), (256, True)])  # fmt: skip
def test_the_deepest_filter_needs_sizes_that_halve_once_more(crd, set_key, size, fits):
    set_key(crd, "runs.crd.prepare.image_size", size)
    parse_config(crd)
    set_key(crd, "runs.crd.options.filter_depth", 2)
    if fits:
        parse_config(crd)
    else:
        message = rf"prepare\.image_size.*: {size} does not suit crd.*multiple of 64 from 128 on$"
        with pytest.raises(UserError, match=message):
            parse_config(crd)
    set_key(crd, "runs.crd.options.filter", "none")
    parse_config(crd)


@pytest.mark.parametrize(
    ("options", "maps"),
    [
        ({}, {"raw", "crossmodal", "mapping"}),
        ({"filter": "none"}, {"raw", "crossmodal", "mapping"}),
        ({"amplifier": "none"}, {"raw", "crossmodal"}),
        ({"filter": "none", "amplifier": "none"}, {"raw"}),
    ],
)
def test_maps_are_those_of_the_parts_that_there_are(crd, set_key, options, maps):
    given = CrdOptions(**options)
    assert given.maps() == maps
    for kind in ("crossmodal", "mapping"):
        assert {"rgb_crossmodal", "depth_crossmodal", "product"} <= given.fusions(kind)
    assert "rgb_crossmodal" not in given.fusions("raw")
    assert not given.needs()
    crd["runs"]["crd"]["options"] = options
    for kind in ("raw", "crossmodal", "mapping", "whitened"):
        set_key(crd, "runs.crd.infer.maps", kind)
        if kind in maps:
            parse_config(crd)
        else:
            with pytest.raises(UserError, match=rf"infer\.maps.*'{kind}' is not offered by crd"):
                parse_config(crd)


def test_orientations_follow_augment():
    assert not CrdOptions().augments()
    assert CrdOptions(augment="natural").augments()


def test_decay_is_recorded_where_it_counts():
    recorded = [
        TrainOptions(**given).record().get("decay")
        for given in (
            {}, {"schedule": "cosine"}, {"decay": 0.95}, {"schedule": "exponential"},
            {"decay": 0.9}, {"schedule": "exponential", "decay": 0.9},
        )
    ]  # fmt: skip
    assert recorded == [None, None, None, 0.95, None, 0.9]


def test_a_decay_that_changes_nothing_is_not_compared(crd, set_key):
    """It may stand in terms whose other runs read it."""
    crd["runs"]["crd"] = {"detector": "dcrdf_net", "preset": "paper", "pseudo": {"textures": "dtd"}}
    before = Plan(parse_config(crd))
    set_key(crd, "train.decay", 0.5)
    idle = Plan(parse_config(crd))
    assert idle.labels == before.labels == {"crd": AS_PUBLISHED}
    assert idle.chain("crd", "a", 0).train.digest == before.chain("crd", "a", 0).train.digest
    set_key(crd, "train.schedule", "exponential")
    assert "train.decay: 0.5" in Plan(parse_config(crd)).labels["crd"]


def trainings(plan):
    """The runs of each training of one job."""
    job = plan.config.dataset.categories[0], plan.config.seeds[0]
    rows = defaultdict(set)
    for run in plan.config.runs:
        rows[plan.chain(run, *job).train.digest].add(run)
    return sorted(map(sorted, rows.values()))


def test_nine_trainings_serve_the_papers_rows_and_three_what_is_beyond():
    plan = Plan(parse_config(read_yaml(WORKFLOW / "ladder_crd.yaml")))
    assert set(plan.config.runs) == set(ROWS) - {"eyecandies"} | {"mapping"}
    assert len(trainings(plan)) == 12
    assert len([rows for rows in trainings(plan) if set(rows) & set(PRINTED)]) == 9
    shared = [rows for rows in trainings(plan) if len(rows) > 1]
    assert shared == [
        ["depth_crossmodal", "mapping", "paper", "plain_sum", "product", "rgb_crossmodal"],
        ["depth_plain", "no_assistants", "rgb_plain"],
    ]
    sections = read_yaml(WORKFLOW / "ladder_crd.yaml")
    assert not set(sections) & {"prepare", "teacher", "train", "infer", "evaluate", "terms"}
    for run, label in plan.labels.items():
        assert label.startswith(AS_PUBLISHED) == (run in PRINTED)


def test_the_demos_rows_are_on_equal_terms():
    plan = Plan(parse_config(read_yaml(WORKFLOW / "ladder_crd_demo.yaml")))
    assert plan.config.compare.references == ("dual_rd", "no_assistants")
    assert {run.terms for run in plan.config.runs.values()} == {"demo"}
    assert plan.config.terms["demo"].equal
    assert len(plan.config.seeds) == 3
    assert len(trainings(plan)) == 7
    assert len({chain.prepare.digest for chain in plan.chains.values()}) == 3
    for chain in plan.chains.values():
        expected = "exponential" if chain.resolved.detector == "crd" else "constant"
        assert chain.resolved.train.schedule == expected
        assert chain.resolved.train.decay == 0.9
    job = plan.config.dataset.categories[0], plan.config.seeds[0]
    scorings = {plan.chain(run, *job).infer.digest for run in plan.config.runs}
    assert len(scorings) == len(plan.config.runs)
