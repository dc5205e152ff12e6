"""Printed numbers beside ours: never without saying whose, only for the papers' data sets."""

import itertools
import math

import pytest

from dcrdf.results.compare import comparison_frame, comparison_markdown, comparisons
from dcrdf.results.pivot import make_tables
from dcrdf.results.published import load_published

MVTEC = [
    "bagel", "cable_gland", "carrot", "cookie", "dowel", "foam", "peach", "potato", "rope", "tire",
]  # fmt: skip


@pytest.fixture
def compared(make_rows):
    def compare(categories, dataset="mvtec3d", labels=None, **changes):
        cells = dict.fromkeys(itertools.product(["mine"], categories, [0]), 0.5)
        rows = make_rows(cells, dataset=dataset, **changes)
        return comparisons(make_tables(rows, [], categories), labels or {})

    return compare


def test_other_data_sets_have_no_comparison(compared):
    assert compared(MVTEC, dataset="demo") == []
    assert comparison_markdown([]) == ""


def test_metrics_that_nobody_prints_have_no_comparison(compared):
    assert compared(MVTEC, metric="aupro_05", size="native") == []


@pytest.mark.parametrize("label", ["as published", "published but for train.epochs: 20"])
def test_our_rows_beside_printed_ones_say_whether_they_are_as_published(compared, label):
    (one,) = compared(MVTEC, labels={"mine": label})
    assert [row.whose for row in one.rows if not row.papers] == [f"ours, {label}"]
    assert f"| **mine** | ours, {label} |" in comparison_markdown([one])


def test_printed_rows_stand_as_printed(compared):
    (one,) = compared(MVTEC)
    row = next(row for row in one.rows if row.method == "DCRDF-Net")
    assert row.papers == ("dcrdf_net",)
    assert row.values[0] == 99.1
    assert row.mean == 97.1
    assert row.remark == ""


def test_rows_that_papers_quote_from_each_other_are_one_row_with_both_sources(compared):
    (one,) = compared(MVTEC)
    rows = [row for row in one.rows if row.method == "BTF"]
    assert [row.whose for row in rows] == ["dcrdf_net, Table 1; crd, Table 1"]


def test_every_printed_fused_cell_is_shown(compared):
    published = load_published()
    printed = published[
        (published["dataset"] == "mvtec3d")
        & (published["metric"] == "i_auroc")
        & (published["modality"] == "both")
    ]
    (one,) = compared(MVTEC)
    shown = {(row.method, row.mean) for row in one.rows if row.papers}
    means = printed[printed["column"] == "mean"]
    assert shown == set(zip(means["method"], means["value_percent"], strict=True))


def test_a_wrong_printed_mean_carries_the_mean_of_its_cells(compared):
    (one,) = compared(MVTEC, metric="aupro_30", size="native")
    row = next(row for row in one.rows if row.method == "DCRDF-Net")
    assert "97.8" in row.remark
    assert math.isclose(row.mean_of_cells, 97.76)


def test_ours_is_marked_and_says_how_it_was_evaluated(compared):
    (one,) = compared(MVTEC, metric="aupro_30", size="native", mode="mvtec100")
    ours = [row for row in one.rows if not row.papers]
    assert [(row.whose, row.evaluation) for row in ours] == [
        ("ours", "native size, 100 quantile thresholds, as in the official MVTec 3D-AD kit")
    ]
    assert ours[0].values == [50.0] * 10
    assert ours[0].remark == ""


def test_printed_rows_say_what_is_known_of_their_evaluation(compared):
    (pixels,) = compared(MVTEC, metric="aupro_30", size="native")
    (images,) = compared(MVTEC)
    how = {
        one.metric: {row.method: row.evaluation for row in one.rows if row.papers}
        for one in (pixels, images)
    }
    assert how["aupro_30"]["CFM"] == "224 px, thresholds: 99"
    assert how["i_auroc"]["CFM"] == "224 px"
    assert how["i_auroc"]["DepthVM"] == "not known"
    assert how["i_auroc"]["DCRDF-Net"] == "256 px"
    assert "differ between papers and from ours" in comparison_markdown([pixels])


def test_a_mean_over_other_categories_is_marked(compared):
    (one,) = compared(MVTEC[:3])
    ours = next(row for row in one.rows if not row.papers)
    assert "not comparable" in ours.remark
    assert math.isnan(ours.values[-1])
    assert one.categories == MVTEC


def test_branches_meet_methods_of_the_same_modality(compared):
    (rgb,) = compared(MVTEC, branch="rgb")
    (depth,) = compared(MVTEC, branch="depth")
    assert "PatchCore (rgb)" in {row.method for row in rgb.rows}
    assert "DCRDF-Net (depth)" in {row.method for row in depth.rows}
    assert not {row.method for row in rgb.rows if row.papers} & {"DCRDF-Net", "CRD"}


def test_kinds_of_defect_are_no_categories(compared):
    (one,) = compared(["car", "crab"], dataset="pdreal")
    assert "scratch" not in one.categories
    assert len(one.categories) == 15


def test_text_names_sources_and_warns(compared):
    text = comparison_markdown(compared(MVTEC))
    assert "differ between papers and from ours" in text
    assert "10.3390/s26020412" in text
    assert "10.48550/arXiv.2412.08949" in text
    assert "| **mine** | ours | one score per image |" in text


def test_frame_has_every_cell(compared):
    beside = compared(MVTEC)
    frame = comparison_frame(beside)
    assert len(frame) == 11 * len(beside[0].rows)
    mine = frame[frame["whose"] == "ours"]
    assert set(mine["percent"]) == {50.0}
