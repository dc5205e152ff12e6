"""Other papers' preparations by name, and records that lack the keys which came with them."""

from pathlib import Path
from typing import ClassVar

import pytest

from dcrdf.config.closed import Closed
from dcrdf.config.options import PrepareOptions
from dcrdf.config.prepare_presets import PREPARE_PRESETS
from dcrdf.config.yaml_file import read_yaml
from dcrdf.errors import UserError

ROOT = Path(__file__).parents[2]
PREPARED = {
    "workflow/demo.yaml": {"cracker": "787bfd5a", "flange": "4683c31c", "handle": "639297ae"},
    "config.yaml": {"bagel": "a85c1e99", "cable_gland": "0738b8e2", "tire": "2dacc12a"},
}
"""Digests of prepared data from before any preparation but ours was known, at stage version 3."""
TABLE = {
    "image_size": (256, 256, 256, 768, 224, 224),
    "resize": ("stretch", "stretch", "stretch", "stretch", "letterbox", "letterbox"),
    "mode": ("auto", "part", "part", "part", "part", "part"),
    "plane": ("border", "three_corners", "three_corners", "four_corners", "border", "border"),
    "plane_inlier_mm": (5.0, 5.0, 5.0, 5.0, 4.0, 4.0),
    "foreground": ("above", *["off_plane"] * 5),
    "foreground_min_mm": (2.0, 5.0, 5.0, 7.0, 5.0, 5.0),
    "foreground_sigmas": (3.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "foreground_clean": ("shape", "close", "close", "none", "largest", "largest"),
    "close_px": (7,) * 6,
    "cluster_gap_mm": (6.0,) * 6,
    "resize_first": (False, True, False, False, False, False),
    "resize_surface": ("weighted", "weighted", "bilinear", "bilinear", "nearest", "nearest"),
    "depth": ("height", *["z"] * 5),
    "background": ("keep", "zero", "zero", "part_mean", "zero", "zero"),
    "normalise": (
        "category", "image_range", "image_range", "image_mean", "category", "category",
    ),
    "image_range": ((0.1, 0.9), (0.1, 0.9), (0.0, 1.0), (0.1, 0.9), (0.1, 0.9), (0.1, 0.9)),
    "image_mean_unit_mm": (10.0,) * 6,
    "fill": ("push_pull", *["neighbour_mean"] * 3, "none", "none"),
    "fill_rounds": (2, 2, 2, 3, 2, 2),
    "fill_at": ("resized", "normalised", "normalised", "raw", "resized", "resized"),
    "colour_background": ("keep", "keep", "keep", "keep", "black", "keep"),
    "resize_colour": ("area", "triangle", "triangle", "triangle", "cubic", "cubic"),
    "resize_truth": ("nearest", "half", "half", "any", "nearest", "nearest"),
    "pad": ("mirror", "mirror", "mirror", "mirror", "zero", "edge"),
    "pad_multiple": (1, 1, 1, 1, 100, 1),
    "surface": ("height", "height", "normals", "height", "height", "height"),
    "normals": ("fitted", "fitted", "sobel", "fitted", "fitted", "fitted"),
    "sobel_size": (5,) * 6,
}  # fmt: skip
"""The table of docs/method.md, key by key: house, crd, crd_normals, ast, m3dm, cfm."""


def preset(name, **changes):
    return PrepareOptions.parse({**PREPARE_PRESETS[name], **changes}, "prepare")


@pytest.mark.parametrize(
    ("column", "name"), list(enumerate(["house", "crd", "crd_normals", "ast", "m3dm", "cfm"]))
)
def test_presets_are_what_the_table_says(column, name):
    options = preset(name)
    assert {key: getattr(options, key) for key in TABLE} == {
        key: row[column] for key, row in TABLE.items()
    }
    rest = options.model_dump(exclude=set(TABLE))
    assert rest == PrepareOptions().model_dump(exclude=set(TABLE))


def test_presets_say_only_what_differs():
    defaults = PrepareOptions().model_dump(mode="json")
    for values in PREPARE_PRESETS.values():
        assert all(defaults[key] != value for key, value in values.items())


@pytest.mark.parametrize("name", PREPARE_PRESETS)
def test_a_preset_and_its_keys_by_hand_share_data(plan_of, minimal, name):
    minimal["runs"]["net"]["preset"] = "dual_rd"
    minimal["prepare"] = dict(PREPARE_PRESETS[name])
    one = plan_of(minimal).chain("net", "a", 0).prepare
    by_hand = preset(name).model_dump(mode="json")
    minimal["prepare"] = by_hand
    other = plan_of(minimal).chain("net", "a", 0).prepare
    assert one.digest == other.digest
    assert PrepareOptions.parse(preset(name).record(), "record") == preset(name)


@pytest.mark.parametrize(
    ("prepare", "said"),
    [({"preset": "ast"}, "pseudo-anomalies"), ({"surface": "normals"}, "pseudo-anomalies")],
)
def test_pseudo_anomalies_need_heights_on_the_categorys_scale(plan_of, minimal, prepare, said):
    minimal["prepare"] = prepare
    with pytest.raises(UserError, match=said) as caught:
        plan_of(minimal)
    assert "\n" not in str(caught.value)
    minimal["runs"]["net"]["preset"] = "dual_rd"
    plan_of(minimal)


@pytest.mark.parametrize("file", PREPARED)
def test_data_from_before_stay_valid(plan_of, file):
    plan = plan_of(read_yaml(ROOT / file))
    found = {job.category: chain.prepare.digest for job, chain in plan.chains.items()}
    assert {category: found[category] for category in PREPARED[file]} == PREPARED[file]


def test_a_record_from_before_is_read_as_the_defaults():
    old = {
        "image_size": 256, "resize": "stretch", "depth": "height", "mode": "auto",
        "border_share": 0.0125, "plane_inlier_mm": 5.0, "plane_min_inlier_share": 0.5,
        "foreground_min_mm": 2.0, "foreground_sigmas": 3.0, "component_min_share": 0.01,
        "part_min_share": 0.05, "part_max_share": 0.95, "normalise_low_percentile": 1.0,
        "normalise_high_percentile": 99.0, "normalise_min_span_mm": 5.0, "fill": "push_pull",
        "strict": True,
    }  # fmt: skip
    assert PrepareOptions.parse(old, "record") == PrepareOptions()
    assert PrepareOptions().record() == old


def test_later_keys_are_recorded_where_they_differ():
    class Section(Closed):
        RECORDED_IF_CHANGED: ClassVar[frozenset[str]] = frozenset({"late"})
        early: int = 1
        late: tuple[int, ...] = (2,)

    assert Section().record() == {"early": 1}
    assert Section(early=3, late=(4,)).record() == {"early": 3, "late": [4]}
    for key in PrepareOptions.RECORDED_IF_CHANGED:
        assert key in PrepareOptions.model_fields


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("crd", {"mode": "field"}, "mode: part"),
        ("ast", {"mode": "auto"}, "mode: part"),
        ("house", {"background": "zero"}, "mode: part"),
        ("house", {"colour_background": "black"}, "mode: part"),
        ("house", {"surface": "normals", "normals": "sobel"}, "normals: sobel, know no field"),
        ("house", {"close_px": 6}, "close_px must be odd"),
        ("house", {"image_range": [0.5, 0.5]}, "image_range"),
        ("ast", {"fill_at": "normalised"}, "image_range"),
        ("m3dm", {"resize_first": True}, "resize_first: false"),
        ("cfm", {"resize": "stretch"}, "resize: letterbox"),
        ("house", {"pad_multiple": 100}, "resize: letterbox"),
        ("house", {"foreground_sigmas": -0.1}, "foreground_sigmas"),
        ("house", {"sobel_size": 4}, "sobel_size"),
        ("house", {"cluster_gap_mm": 0.0}, "cluster_gap_mm"),
        ("house", {"fill_rounds": 0}, "fill_rounds"),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(name, changes, message):
    with pytest.raises(UserError, match=message) as error:
        preset(name, **changes)
    assert "\n" not in str(error.value)


def test_sobel_normals_of_a_part_are_accepted():
    """Where no part is taken they are black: in a field that would be all that is seen."""
    assert preset("house", normals="sobel").mode == "auto"
    assert preset("house", surface="normals", normals="sobel", mode="part").needs_part


def test_pseudo_anomalies_need_the_house_scale():
    allowed = {name: preset(name).allows_pseudo_anomalies for name in PREPARE_PRESETS}
    assert allowed == {
        "house": True, "crd": True, "crd_normals": False, "ast": False, "m3dm": True, "cfm": True,
    }  # fmt: skip
    assert not preset("house", surface="normals").allows_pseudo_anomalies
