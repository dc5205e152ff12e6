"""The words of the summary follow the numbers."""

import pandas as pd
import pytest

from dcrdf.report.counting import Proportion
from dcrdf.report.standings import first_seeds, rank_runs
from dcrdf.report.summary import (
    details,
    headline,
    honest_notes,
    interval_text,
    share_text,
    whole_percent,
)
from dcrdf.results.pivot import make_tables

NAN = float("nan")


@pytest.fixture
def rows():
    """Tidy rows of the fused image AUROC from {(run, category, seed): value}."""

    def make(values):
        return pd.DataFrame(
            {
                "dataset": "demo", "run": run, "category": category, "seed": seed,
                "branch": "fused", "metric": "i_auroc", "size": "image", "mode": "exact",
                "defect": "all", "value": value, "low": NAN, "high": NAN,
            }
            for (run, category, seed), value in values.items()
        )  # fmt: skip

    return make


def rank(rows, results):
    return rank_runs(make_tables(rows, [], []), results)


def test_runs_are_ranked_by_image_auroc(rows, make_result):
    results = [make_result([0.1], [0.9], run=run) for run in "ab"]
    ranked = rank(rows({("a", "nut", 0): 0.7, ("b", "nut", 0): 0.8}), results)
    assert [one.run for one in ranked] == ["b", "a"]
    assert ranked[0].auroc == pytest.approx(0.8)


def test_an_incomplete_mean_never_wins(rows, make_result):
    results = [make_result([0.1], [0.9], run=run) for run in "ab"]
    values = {
        ("a", "nut", 0): 0.99,
        ("a", "bolt", 0): NAN,
        ("b", "nut", 0): 0.8,
        ("b", "bolt", 0): 0.7,
    }
    assert [one.run for one in rank(rows(values), results)] == ["b", "a"]


def test_headline_gives_counts_over_all_categories(rows, make_result):
    results = [
        make_result([0.1, 0.9], [0.9, 0.2, 0.8], category="nut"),
        make_result([0.1, 0.2], [0.9], category="bolt"),
    ]
    ranked = rank(rows({("full", "nut", 0): 0.7, ("full", "bolt", 0): 0.9}), results)
    assert headline(ranked) == (
        "Run “full” finds 3 of 4 (75 %) defective test images"
        " and wrongly rejects 1 of 4 (25 %) good ones."
    )


def test_counts_are_of_the_first_seed_and_the_range_over_seeds_is_told(rows, make_result):
    results = [
        make_result([0.1], [0.9, 0.1], seed=1),
        make_result([0.1], [0.9, 0.9], seed=0),
    ]
    ranked = rank(rows({("full", "nut", 0): 0.7, ("full", "nut", 1): 0.9}), results)
    assert ranked[0].first.found == Proportion(2, 2)
    assert first_seeds(results)["nut"]["full"].files.seed == 0
    said = " ".join(details(ranked, results))
    assert "Over 2 trainings with different seeds it finds 1 to 2 defects" in said


def test_details_state_uncertainty_and_threshold(rows, make_result):
    results = [make_result([0.1] * 8, [0.9] * 3 + [0.1])]
    said = " ".join(details(rank(rows({("full", "nut", 0): 0.7}), results), results))
    assert "lies between 19 and 99 %" in said
    assert "at most 5 % false alarms on 8 good validation images" in said
    assert "as high as 31 %" in said


def test_an_undefined_auroc_is_not_put_into_words(rows, make_result):
    results = [make_result([0.1], [0.9])]
    said = " ".join(details(rank(rows({("full", "nut", 0): NAN}), results), results))
    assert "nan" not in said
    assert "AUROC" not in said


def test_a_split_without_defects_is_put_into_words(rows, make_result):
    results = [make_result([0.1, 0.2], [])]
    ranked = rank(rows({("full", "nut", 0): NAN}), results)
    assert "finds 0 of 0 defective" in headline(ranked)
    assert "nan" not in " ".join(details(ranked, results))


def test_notes_tell_what_few_images_and_one_seed_cannot(rows, make_result):
    results = [make_result([0.1] * 16, [0.9])]
    table = rows({("full", "nut", 0): 0.7})
    notes = " ".join(honest_notes(rank(table, results), results, table))
    assert "no less than 31 %" in notes
    assert "To certify 1 % takes 299" in notes
    assert "Few good test images (nut 16)" in notes
    assert "trained once" in notes
    assert "Best run" not in notes


def test_notes_follow_the_results(rows, make_result):
    results = [
        make_result([0.1] * 60, [0.9], run=run, seed=seed) for run in "ab" for seed in (0, 1)
    ]
    table = rows({(run, "nut", seed): 0.7 for run in "ab" for seed in (0, 1)})
    table.loc[0, "value"] = NAN
    table.loc[1, "mode"] = "mvtec100"
    notes = " ".join(honest_notes(rank(table, results), results, table))
    assert "Few good test images" not in notes
    assert "trained once" not in notes
    assert "best on these very test images" in notes
    assert "1 values are undefined" in notes
    assert "100 quantile thresholds" in notes


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0"), (0.041, "4.1"), (0.05, "5"), (0.0996, "10"), (0.824, "82")]
)
def test_percents_are_short(share, text):
    assert whole_percent(share) == text


def test_shares_and_intervals_read_well():
    assert share_text(Proportion(3, 4)) == "3 of 4 (75 %)"
    assert share_text(Proportion(0, 0)) == "0 of 0"
    assert interval_text(Proportion(0, 10)) == "0 to 31 %"
