"""Printed numbers: the data file is whole, and wrong means are found."""

import pandas as pd
import pytest

from dcrdf.results.published import check_means, load_published, load_sources


def test_every_paper_has_a_source_with_a_doi():
    sources = load_sources()
    assert set(load_published()["paper"]) == set(sources.index)
    assert sources["doi"].str.match(r"10\.\d{4,}/").all()
    assert sources["reference"].str.len().gt(40).all()


def test_printed_values_are_percents_with_one_decimal():
    values = load_published()["value_percent"]
    assert len(values) == 1896
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
    assert ours["value_percent"].equals(given["value_percent"])
    assert ours["method"].equals(given["method"])
    assert ours["column"].equals(given["category"])


def test_the_known_wrong_means_are_flagged():
    flagged = check_means(load_published()).set_index(["paper", "metric", "method"])
    assert len(flagged) == 12
    worst = flagged.iloc[0]
    assert worst.name == ("modality_resilient", "i_auroc", "BTF")
    assert worst["difference"] == pytest.approx(-3.58)
    ours = flagged.loc[("dcrdf_net", "aupro", "DCRDF-Net")]
    assert ours["printed_mean"] == 98.8
    assert ours["mean_of_cells"] == pytest.approx(97.76)


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
