"""Tidy rows to tables, against sums written out by hand and a slow oracle."""

import itertools
import math
import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcrdf.results.pivot import make_tables
from dcrdf.results.rows import COLUMNS

NAN = float("nan")


def only_table(rows, runs=(), categories=()):
    (table,) = make_tables(rows, runs, categories)
    return table


def test_cell_is_the_mean_over_seeds(make_rows):
    table = only_table(make_rows({("full", "nut", 0): 0.8, ("full", "nut", 1): 0.9}))
    assert table.value.at["full", "nut"] == pytest.approx(0.85)
    assert table.deviation.at["full", "nut"] == pytest.approx(0.1 / 2**0.5)
    assert table.seeds.at["full", "nut"] == 2


def test_mean_is_over_categories_first_then_over_seeds(make_rows):
    values = {
        ("full", "nut", 0): 0.8,
        ("full", "bolt", 0): 0.6,
        ("full", "nut", 1): 1.0,
        ("full", "bolt", 1): 0.4,
    }
    table = only_table(make_rows(values))
    assert table.value.at["full", "mean"] == pytest.approx(0.7)
    assert table.deviation.at["full", "mean"] == pytest.approx(0.0)
    assert table.deviation.at["full", "nut"] > 0.1


def test_one_seed_has_no_deviation(make_rows):
    table = only_table(make_rows({("full", "nut", 0): 0.8}))
    assert np.isnan(table.deviation.to_numpy()).all()
    assert not table.incomplete.to_numpy().any()


def test_undefined_category_marks_the_mean_and_hides_its_deviation(make_rows):
    values = {
        ("full", "nut", 0): 0.8,
        ("full", "bolt", 0): NAN,
        ("full", "nut", 1): 0.6,
        ("full", "bolt", 1): NAN,
    }
    table = only_table(make_rows(values))
    assert np.isnan(table.value.at["full", "bolt"])
    assert not table.incomplete.at["full", "bolt"]
    assert table.value.at["full", "mean"] == pytest.approx(0.7)
    assert table.incomplete.at["full", "mean"]
    assert np.isnan(table.deviation.at["full", "mean"])
    assert not np.isnan(table.deviation.at["full", "nut"])


def test_a_seed_that_lacks_a_category_marks_the_cell(make_rows):
    values = {("full", "nut", 0): 0.8, ("full", "nut", 1): 0.6, ("full", "bolt", 0): 0.5}
    table = only_table(make_rows(values))
    assert table.incomplete.loc["full"].to_dict() == {"bolt": True, "nut": False, "mean": True}
    assert table.value.at["full", "bolt"] == 0.5


def test_all_undefined_is_undefined_not_incomplete(make_rows):
    table = only_table(make_rows({("full", "nut", 0): NAN}))
    assert np.isnan(table.value.at["full", "mean"])
    assert not table.incomplete.to_numpy().any()


def test_order_is_the_configured_one_then_alphabetical(make_rows):
    cells = itertools.product(["c", "a", "b"], ["nut", "bolt", "axle"], [0])
    table = only_table(make_rows(dict.fromkeys(cells, 0.5)), ["b", "zzz", "c"], ["nut"])
    assert list(table.value.index) == ["b", "c", "a"]
    assert table.categories == ["nut", "axle", "bolt"]


def test_single_kinds_of_defect_stay_out(make_rows):
    rows = pd.concat(
        [make_rows({("full", "nut", 0): 0.9}), make_rows({("full", "nut", 0): 0.1}, defect="hole")]
    )
    assert only_table(rows).value.at["full", "nut"] == 0.9


def test_one_table_per_metric_branch_size_and_mode_in_reading_order(make_rows):
    parts = [
        make_rows({("full", "nut", 0): 0.5}, metric=metric, size=size, branch=branch, mode=mode)
        for metric, size, branch, mode in [
            ("aupro_05", "native", "fused", "exact"),
            ("aupro_30", "network", "depth", "exact"),
            ("aupro_30", "network", "fused", "exact"),
            ("aupro_30", "native", "fused", "mvtec100"),
            ("aupro_30", "native", "fused", "exact"),
            ("i_auroc", "image", "rgb", "exact"),
            ("i_auroc", "image", "fused", "exact"),
            ("own_metric", "image", "fused", "exact"),
        ]
    ]
    keys = [tuple(table.key)[1:] for table in make_tables(pd.concat(parts), [], [])]
    assert keys == [
        ("i_auroc", "image", "exact", "fused"),
        ("i_auroc", "image", "exact", "rgb"),
        ("aupro_30", "native", "exact", "fused"),
        ("aupro_30", "native", "mvtec100", "fused"),
        ("aupro_30", "network", "exact", "fused"),
        ("aupro_30", "network", "exact", "depth"),
        ("aupro_05", "native", "exact", "fused"),
        ("own_metric", "image", "exact", "fused"),
    ]


def slow_cell(values, run, category):
    """Mean, deviation and mark of one cell, with plain lists."""
    seeds = sorted({seed for other, _, seed in values if other == run})
    found = [values.get((run, category, seed), NAN) for seed in seeds]
    defined = [number for number in found if not math.isnan(number)]
    marked = bool(defined) and len(defined) < len(found)
    mean = statistics.fmean(defined) if defined else NAN
    spread = statistics.stdev(defined) if len(defined) > 1 and not marked else NAN
    return mean, spread, marked


keys = st.tuples(st.sampled_from("ab"), st.sampled_from(["nut", "bolt"]), st.integers(0, 2))
numbers = st.one_of(st.floats(0, 1), st.just(NAN))


@settings(max_examples=40)
@given(st.dictionaries(keys, numbers, min_size=1))
def test_cells_agree_with_plain_lists(values):
    lines = [
        {
            "dataset": "demo", "run": run, "category": category, "seed": seed, "branch": "fused",
            "metric": "i_auroc", "size": "image", "mode": "exact", "defect": "all", "value": number,
        }
        for (run, category, seed), number in values.items()
    ]  # fmt: skip
    table = only_table(pd.DataFrame(lines, columns=list(COLUMNS)))
    for run, category in itertools.product(table.value.index, table.categories):
        expected = slow_cell(values, run, category)
        got = (
            table.value.at[run, category],
            table.deviation.at[run, category],
            table.incomplete.at[run, category],
        )
        np.testing.assert_allclose(got[:2], expected[:2], atol=1e-12)
        assert got[2] == expected[2]
