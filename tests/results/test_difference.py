"""Differences between runs: settings by key, metrics by category."""

import pytest

from dcrdf.results.difference import metric_differences, settings_differences
from dcrdf.results.rows import read_metrics


def test_equal_settings_do_not_differ():
    settings = {"nut": {"train": {"epochs": 3}, "seeds": [0]}}
    assert settings_differences(settings, settings) == []


def test_a_key_that_differs_alike_everywhere_is_told_once():
    a = {name: {"train": {"epochs": 3}, "name": "x"} for name in ("nut", "bolt")}
    b = {name: {"train": {"epochs": 4}, "name": "x"} for name in ("nut", "bolt")}
    assert settings_differences(a, b) == [("train.epochs", (), "3", "4")]


def test_categories_are_named_where_only_some_differ():
    a = {"nut": {"epochs": 3}, "bolt": {"epochs": 3}, "pin": {"epochs": 3}, "only_a": {}}
    b = {"pin": {"epochs": 5}, "bolt": {"epochs": 3}, "nut": {"epochs": 4}, "only_b": {}}
    assert settings_differences(a, b) == [
        ("epochs", ("nut",), "3", "4"),
        ("epochs", ("pin",), "3", "5"),
    ]


def test_a_key_of_one_run_alone_differs():
    found = settings_differences({"nut": {"mode": "part"}}, {"nut": {"flag": True}})
    assert found == [("flag", (), "-", "true"), ("mode", (), "part", "-")]


@pytest.fixture
def read(metrics_file, entry):
    """Metrics of a category from {(metric, size): number}."""

    def make(run, category, values, seed=0, **changes):
        values = [
            entry(number, metric=metric, size=size, **changes)
            for (metric, size), number in values.items()
        ]
        return read_metrics(metrics_file(run, category, seed, values=values))

    return make


def rows(table):
    return {row.category: (row.a, row.b, row.difference) for row in table.rows}


def test_values_are_means_over_seeds_and_categories(read):
    auroc = ("i_auroc", "image")
    a = [read("a", "nut", {auroc: 0.5}, 0), read("a", "nut", {auroc: 0.7}, 1),
         read("a", "bolt", {auroc: 0.8})]  # fmt: skip
    b = [read("b", "bolt", {auroc: 0.75}), read("b", "nut", {auroc: 0.9}),
         read("b", "pin", {auroc: 0.1})]  # fmt: skip
    (table,) = metric_differences(a, b)
    found = rows(table)
    assert list(found) == ["nut", "bolt", "mean"]
    assert found["nut"] == pytest.approx((0.6, 0.9, 0.3))
    assert found["bolt"] == pytest.approx((0.8, 0.75, -0.05))
    assert found["mean"] == pytest.approx((0.7, 0.825, 0.125))
    assert table.averaged == 2


def test_undefined_values_stay_out_of_the_mean(read):
    auroc = ("i_auroc", "image")
    a = [read("a", "nut", {auroc: None}), read("a", "bolt", {auroc: 0.8})]
    b = [read("b", "nut", {auroc: 0.9}), read("b", "bolt", {auroc: 0.7})]
    (table,) = metric_differences(a, b)
    assert rows(table)["nut"] == (None, 0.9, None)
    assert rows(table)["mean"] == pytest.approx((0.8, 0.7, -0.1))
    assert table.averaged == 1


def test_nothing_to_average_gives_no_mean(read):
    one = [read("a", "nut", {("i_auroc", "image"): None})]
    (table,) = metric_differences(one, one)
    assert rows(table)["mean"] == (None, None, None)


def test_pixel_metrics_are_compared_at_a_size_that_both_have(read):
    a = [read("a", "nut", {("aupro_30", "network"): 0.5, ("aupro_30", "native"): 0.6})]
    b = [read("b", "nut", {("aupro_30", "network"): 0.9})]
    (table,) = metric_differences(a, b)
    assert (table.metric, table.size) == ("aupro_30", "network")
    assert metric_differences(a, a)[0].size == "native"


def test_other_branches_modes_and_kinds_of_defect_do_not_count(read, entry, metrics_file):
    values = [
        entry(0.9),
        entry(0.1, branch="rgb"),
        entry(0.2, defect="dent"),
        entry(0.3, mode="mvtec100"),
    ]
    one = [read_metrics(metrics_file("a", values=values))]
    (table,) = metric_differences(one, one)
    assert rows(table)["nut"][0] == 0.9
