"""Metrics by what a defect can be seen by."""

import functools

import pytest

from dcrdf.config.evidence import EMBEDDED_EVIDENCE
from dcrdf.datasets.synthetic import defects, field_defects
from dcrdf.datasets.synthetic.catalogue import RECIPES
from dcrdf.results.evidence import evidence_section

GROUPS = {"spot": "colour", "dirt": "colour", "dent": "shape"}


@pytest.fixture
def make(make_rows):
    """Rows of one run from {(category, seed): {kind: value}}."""

    def build(values, run="full"):
        import pandas as pd

        return pd.concat(
            [
                make_rows({(run, category, seed): value}, defect=kind)
                for (category, seed), kinds in values.items()
                for kind, value in kinds.items()
            ],
            ignore_index=True,
        )

    return build


def test_kinds_then_categories_then_seeds(make):
    rows = make({
        ("a", 0): {"spot": 0.8, "dirt": 1.0, "dent": 0.7, "all": 0.1},
        ("b", 0): {"spot": 0.5},
        ("a", 1): {"spot": 0.6, "dirt": 1.0, "dent": 0.9, "all": 0.1},
        ("b", 1): {"spot": 0.7},
    })  # fmt: skip
    frame = evidence_section(rows, GROUPS, []).frame.set_index("group")
    assert frame.at["colour", "mean"] == pytest.approx((0.7 + 0.75) / 2)
    assert frame.at["shape", "mean"] == pytest.approx(0.8)
    assert frame.at["shape", "std"] == pytest.approx(0.02**0.5)
    assert frame.at["colour", "categories"] == 2
    assert frame.at["shape", "seeds"] == 2


def test_kinds_of_which_nothing_is_said_are_in_no_group(make):
    rows = make({("a", 0): {"spot": 0.8, "other": 0.1}})
    section = evidence_section(rows, GROUPS, [])
    assert list(section.frame["group"]) == ["colour"]
    assert "other" not in section.note
    assert evidence_section(make({("a", 0): {"other": 0.1}}), GROUPS, []) is None
    assert evidence_section(rows, {}, []) is None


def test_an_undefined_kind_leaves_its_group_undefined(make):
    rows = make({("a", 0): {"spot": float("nan"), "dirt": 1.0, "dent": 0.5}})
    section = evidence_section(rows, GROUPS, [])
    assert section.tables[0].rows == [["full", "-", "50.0"]]


def test_what_the_embedded_parts_change_is_what_they_are_said_to_change():
    made = {
        kind: defect.func if isinstance(defect, functools.partial) else defect
        for recipe in RECIPES.values()
        for kind, defect in recipe.defects.items()
    }
    groups = {
        defects.stain: "colour",
        field_defects.hairline: "colour",
        defects.bulge: "shape",
        field_defects.swell: "shape",
    }
    assert dict(EMBEDDED_EVIDENCE) == {
        kind: groups.get(defect, "both") for kind, defect in made.items()
    }
