"""Printed numbers: the data file is whole, and wrong means are found."""

import pandas as pd
import pytest

from dcrdf.results.published import (
    check_means,
    evaluation_of,
    load_evaluations,
    load_published,
    load_sources,
)


def test_every_paper_has_a_source_with_a_doi():
    sources = load_sources()
    assert set(load_published()["paper"]) == set(sources.index)
    assert sources["doi"].str.match(r"10\.\d{4,}/").all()
    assert sources["reference"].str.len().gt(40).all()


def test_printed_values_are_percents_with_one_decimal():
    values = load_published()["value_percent"]
    assert len(values) == 2666
    assert values.between(0, 100).all()
    assert ((10 * values).round() - 10 * values).abs().max() < 1e-9


def test_columns_are_of_known_kinds():
    published = load_published()
    assert set(published["column_kind"]) == {"category", "defect", "mean"}
    assert set(published["modality"]) == {"both", "rgb", "depth"}
    assert set(published["dataset"]) == {"mvtec3d", "eyecandies", "pdreal"}
    is_mean = published["column"] == "mean"
    assert (published["column_kind"] == "mean").equals(is_mean)


def test_no_cell_is_printed_twice():
    key = ["paper", "table", "dataset", "metric", "method", "column"]
    assert not load_published().duplicated(key).any()


def test_printed_numbers_equal_the_shared_file(shared_data):
    given = pd.read_csv(shared_data / "published" / "printed.csv")
    ours = load_published()
    ours = ours[~ours["table"].isin(ABLATIONS) | (ours["paper"] != "crd")].reset_index()
    assert ours["value_percent"].equals(given["value_percent"])
    assert ours["method"].equals(given["method"])
    assert ours["column"].equals(given["category"])


ABLATIONS = ["Table 10", "Table 11", "Table 12", "Table 13"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Table 9", "CRD RGB+Depth"), ("Table 10", "CRD no assistants")),
        (("Table 9", "CRD RGB+Depth+Crossmodal"), ("Table 10", "CRD filter and amplifier")),
        (("Table 10", "CRD filter and amplifier"), ("Table 13", "CRD normalised sum")),
        (("Table 10", "CRD filter only"), ("Table 11", "CRD filter size 3 of 4")),
        (("Table 10", "CRD amplifier only"), ("Table 12", "CRD amplifier 2x")),
    ],
)
def test_a_row_that_crd_prints_twice_says_the_same(one, other):
    published = load_published()
    rows = [
        published[(published["paper"] == "crd") & (published["table"] == table)]
        .query("method == @method")
        .set_index(["metric", "column"])["value_percent"]
        for table, method in (one, other)
    ]
    assert len(rows[0]) == 55
    assert rows[0].equals(rows[1].reindex(rows[0].index))


KNOWN_WRONG = {
    ("dcrdf_net", "Table 2", "aupro", "DCRDF-Net"): (98.8, 97.76),
    ("dcrdf_net", "Table 2", "aupro", "MMRD"): (97.6, 97.17),
    ("dcrdf_net", "Table 1", "i_auroc", "M3DM"): (94.5, 94.37),
    ("dcrdf_net", "Table 3", "i_auroc", "Shape-guided (depth)"): (91.6, 91.47),
    ("dcrdf_net", "Table 3", "i_auroc", "MMRD (depth)"): (86.6, 86.42),
    ("crd", "Table 14", "aupro", "M3DM"): (88.2, 88.65),
    ("modality_resilient", "Table 2", "i_auroc", "BTF"): (83.7, 87.28),
    ("modality_resilient", "Table 2", "i_auroc", "Shape-guided"): (91.6, 91.47),
    ("modality_resilient", "Table 2", "i_auroc", "Ours_single"): (89.5, 89.38),
    ("modality_resilient", "Table 3", "aupro", "BTF"): (91.4, 92.38),
    ("modality_resilient", "Table 4", "i_auroc", "AST"): (82.5, 83.14),
    ("modality_resilient", "Table 5", "aupro", "Ours_single"): (94.6, 94.73),
}
"""Printed mean, and mean of the printed cells."""


def test_exactly_the_known_wrong_means_are_flagged():
    flagged = check_means(load_published())
    found = {
        (row.paper, row.table, row.metric, row.method): (
            row.printed_mean,
            round(row.mean_of_cells, 2),
        )
        for row in flagged.itertuples()
    }
    assert found == KNOWN_WRONG
    assert flagged["difference"].abs().is_monotonic_decreasing


def test_evaluations_are_of_methods_that_are_printed():
    methods = set(load_published()["method"])
    assert set(load_evaluations().index) <= methods
    assert load_evaluations().notna().all(axis=None)


@pytest.mark.parametrize(
    ("method", "metric", "expected"),
    [
        ("M3DM", "i_auroc", "224 px"),
        ("M3DM (rgb)", "aupro", "224 px, thresholds: 100"),
        ("DCRDF-Net baseline", "p_auroc", "256 px"),
        ("CRD Depth+Crossmodal", "i_ap", "256 px"),
        ("CFM2", "i_auroc", "not known"),
        ("EasyNet", "aupro", "not known"),
    ],
)
def test_what_is_known_of_a_methods_evaluation(method, metric, expected):
    assert evaluation_of(method, metric) == expected


def line(column: str, value: float) -> dict[str, object]:
    kind = "mean" if column == "mean" else "category"
    return {
        "paper": "p",
        "table": "t",
        "dataset": "d",
        "metric": "m",
        "method": "x",
        "modality": "both",
        "column_kind": kind,
        "column": column,
        "value_percent": value,
    }


@pytest.mark.parametrize(
    ("mean", "is_flagged"), [(50.0, False), (50.1, False), (49.9, False), (50.2, True)]
)
def test_rounding_alone_is_not_flagged(mean, is_flagged):
    table = pd.DataFrame([line("a", 40.0), line("b", 60.0), line("mean", mean)])
    assert len(check_means(table)) == int(is_flagged)


def test_rows_without_cells_or_mean_are_left_alone():
    assert check_means(pd.DataFrame([line("mean", 50.0)])).empty
    assert check_means(pd.DataFrame([line("a", 50.0)])).empty
