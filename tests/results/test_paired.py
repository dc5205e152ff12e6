"""Runs against reference runs: what is averaged, what is paired, and what is left out."""

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from dcrdf.config.options import CompareOptions
from dcrdf.errors import UserError
from dcrdf.results.paired import JobName, pair_runs
from dcrdf.results.paired_tables import (
    paired_frame,
    paired_markdown,
    paired_note,
    paired_tables,
    pairs_tables,
)
from dcrdf.results.resamples import Resamples

DRAWS = 400
OPTIONS = CompareOptions(references=("ref",))


@pytest.fixture
def generator():
    return np.random.default_rng(3)


@pytest.fixture
def make(generator):
    """Samples of runs: shared luck of a category's draw, and own noise of each job."""

    def build(runs, categories=("a", "b"), seeds=(0, 1, 2), metric="i_auroc", noise=0.01):
        luck = {category: generator.normal(0, 0.05, DRAWS) for category in categories}
        samples = {}
        for run, category, seed in product(runs, categories, seeds):
            value = runs[run] + generator.normal(0, noise)
            drawn = value + luck[category] + generator.normal(0, noise, DRAWS)
            samples[JobName(run, category, seed)] = Resamples(
                f"images of {category}", {metric: value}, {metric: drawn}
            )
        return samples

    return build


def only(pairing):
    (one,) = pairing.differences
    return one


def test_against_the_sums_written_out(make):
    samples = make({"ref": 0.7, "new": 0.8})
    one = only(pair_runs(samples, OPTIONS))
    by_seed, drawn = {}, np.zeros(DRAWS)
    for seed in range(3):
        gaps = []
        for category in "ab":
            new, ref = (samples[JobName(run, category, seed)] for run in ("new", "ref"))
            gaps.append(new.estimates["i_auroc"] - ref.estimates["i_auroc"])
            drawn += (new.drawn["i_auroc"] - ref.drawn["i_auroc"]) / 6
        by_seed[seed] = sum(gaps) / 2
    values = list(by_seed.values())
    assert one.by_seed == pytest.approx(by_seed)
    assert one.images.estimate == pytest.approx(np.mean(values))
    assert one.deviation == pytest.approx(np.std(values, ddof=1))
    assert (one.images.low, one.images.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]))
    low, high = stats.t.interval(0.95, 2, loc=np.mean(values), scale=stats.sem(values))
    assert (one.seeds.low, one.seeds.high) == pytest.approx((low, high))


def test_luck_of_the_draw_that_both_runs_share_cancels(make):
    """Each run alone is uncertain by 0.05 a category, their difference by a tenth of that."""
    one = only(pair_runs(make({"ref": 0.7, "new": 0.72}, noise=0.002), OPTIONS))
    assert one.images.high - one.images.low < 0.01
    assert one.verdict == 1
    assert one.p_value < 0.01


def test_mean_and_deviation_are_over_seeds_of_means_over_categories(make):
    samples = make({"ref": 0.7})
    (mean,) = pair_runs(samples, OPTIONS).means
    by_seed = [
        np.mean([samples[JobName("ref", category, seed)].estimates["i_auroc"] for category in "ab"])
        for seed in range(3)
    ]
    assert mean.mean == pytest.approx(np.mean(by_seed))
    assert mean.deviation == pytest.approx(np.std(by_seed, ddof=1))


def test_equal_runs_do_not_differ(make):
    samples = make({"ref": 0.7})
    samples |= {job._replace(run="twin"): one for job, one in samples.items()}
    one = only(pair_runs(samples, OPTIONS))
    assert (one.images.estimate, one.images.low, one.images.high) == (0.0, 0.0, 0.0)
    assert one.p_value == 1.0
    assert one.verdict == 0


def test_no_verdict_while_a_seed_says_otherwise(make):
    samples = make({"ref": 0.7, "new": 0.8}, noise=0.001)
    assert only(pair_runs(samples, OPTIONS)).verdict == 1
    for category in "ab":
        job = JobName("new", category, 1)
        samples[job] = Resamples(
            samples[job].images, {"i_auroc": 0.6}, {"i_auroc": samples[job].drawn["i_auroc"] - 0.2}
        )
    one = only(pair_runs(samples, OPTIONS))
    assert one.images.low > 0
    assert one.same_sign == 2
    assert one.verdict == 0


def test_worse_runs_are_called_worse(make):
    assert only(pair_runs(make({"ref": 0.8, "new": 0.7}), OPTIONS)).verdict == -1


def test_a_category_that_one_run_leaves_undefined_counts_for_neither(make):
    samples = make({"ref": 0.7, "new": 0.8})
    job = JobName("new", "a", 2)
    undefined = {"i_auroc": math.nan}
    samples[job] = Resamples("images of a", undefined, {"i_auroc": np.full(DRAWS, math.nan)})
    pairing = pair_runs(samples, OPTIONS)
    one = only(pairing)
    assert one.categories == 1
    alone = {job: one for job, one in samples.items() if job.category == "b"}
    expected = only(pair_runs(alone, OPTIONS))
    assert one.images == expected.images
    assert one.by_seed == expected.by_seed
    (table,) = paired_tables(pairing)
    new = next(row for row in table.rows if row.run == "new")
    assert new.mean.endswith("†")
    assert new.cells[0].difference.endswith("†")


def test_nothing_defined_is_no_difference(make):
    samples = make({"ref": math.nan, "new": 0.8})
    pairing = pair_runs(samples, OPTIONS)
    assert math.isnan(only(pairing).images.estimate)
    assert only(pairing).verdict == 0
    (table,) = paired_tables(pairing)
    assert [row.cells[0].difference for row in table.rows] == ["", "-"]


def test_one_seed_has_no_deviation(make):
    pairing = pair_runs(make({"ref": 0.7, "new": 0.8}, seeds=(4,)), OPTIONS)
    one = only(pairing)
    assert math.isnan(one.deviation)
    assert math.isnan(one.seeds.low)
    (table,) = paired_tables(pairing)
    assert table.rows[1].deviation == ""
    assert table.rows[1].cells[0].seeds == "1 of 1"
    assert "and 1 seed," in paired_note(pairing)


def test_different_images_are_refused_by_name(make):
    samples = make({"ref": 0.7, "new": 0.8})
    job = JobName("new", "b", 0)
    samples[job] = Resamples("others", samples[job].estimates, samples[job].drawn)
    with pytest.raises(UserError, match="'new' and 'ref' .* different test images of b"):
        pair_runs(samples, OPTIONS)


def test_every_reference_but_itself(make):
    options = CompareOptions(references=("ref", "new"))
    pairing = pair_runs(make({"ref": 0.7, "new": 0.8, "third": 0.75}), options)
    pairs = [(one.run, one.reference) for one in pairing.differences]
    assert pairs == [("new", "ref"), ("third", "ref"), ("ref", "new"), ("third", "new")]
    frame = paired_frame(pairing)
    gap = frame.set_index(["run", "reference"])["difference"]
    assert gap["new", "ref"] == pytest.approx(-gap["ref", "new"])
    assert (frame["mean"] - frame["reference_mean"]).to_numpy() == pytest.approx(
        frame["difference"].to_numpy()
    )


def test_pages_show_the_main_metrics_and_the_long_table_all(make):
    samples = make({"ref": 0.7, "new": 0.8})
    for metric in ("p_ap", "aupro_30"):
        for job, one in make({"ref": 0.6, "new": 0.65}, metric=metric).items():
            held = samples[job]
            samples[job] = Resamples(
                held.images, {**held.estimates, **one.estimates}, {**held.drawn, **one.drawn}
            )
    pairing = pair_runs(samples, OPTIONS)
    assert [table.metric for table in paired_tables(pairing)] == ["i_auroc", "aupro_30"]
    assert list(paired_frame(pairing)["metric"]) == ["i_auroc", "p_ap", "aupro_30"]
    text = paired_markdown(pairing)
    assert "## Image AUROC: paired differences" in text
    assert "| run | mean | minus ref | seeds: ±, same sign | p (Holm) |" in text
    assert "95 % interval" in text


def test_a_pair_is_the_difference_of_its_runs_over_the_same_images(make):
    samples = make({"own": 0.8, "equal": 0.75, "other": 0.7})
    pairing = pair_runs(samples, CompareOptions(pairs=(("own", "equal"),)))
    assert pairing.differences == []
    (pair,) = pairing.pairs
    assert (pair.run, pair.reference) == ("own", "equal")
    means = {one.run: one.mean for one in pairing.means}
    assert pair.images.estimate == pytest.approx(means["own"] - means["equal"])
    against = pair_runs(samples, CompareOptions(references=("equal",))).differences
    (same,) = [one for one in against if one.run == "own"]
    assert (pair.images, pair.by_seed, pair.p_value) == (same.images, same.by_seed, same.p_value)


def test_pairs_stand_in_text_and_in_the_long_table(make):
    samples = make({"own": 0.8, "equal": 0.75, "other": 0.7})
    options = CompareOptions(references=("other",), pairs=(("own", "equal"),))
    pairing = pair_runs(samples, options)
    text = paired_markdown(pairing)
    assert "## Image AUROC: pairs of runs" in text
    assert "| own minus equal | " in text
    frame = paired_frame(pairing)
    assert list(frame["compared"]) == ["reference", "reference", "pair"]
    (table,) = pairs_tables(pairing)
    (row,) = table.rows
    assert row.means == tuple(
        f"{100 * one.mean:.1f}" for one in pairing.means if one.run in ("own", "equal")
    )


def test_pairs_alone_make_no_table_of_references(make):
    pairing = pair_runs(make({"a": 0.8, "b": 0.7}), CompareOptions(pairs=(("a", "b"),)))
    assert paired_tables(pairing) == []
    assert pairs_tables(pair_runs(make({"ref": 0.8, "new": 0.7}), OPTIONS)) == []


def test_correction_is_over_the_runs_of_one_reference_and_metric(make):
    """Against a rule written out: every p-value times the number of those that are not smaller,
    and never below a smaller one's."""
    runs = {"ref": 0.70, "second": 0.71, "a": 0.705, "b": 0.71, "c": 0.72}
    samples = make(runs, noise=0.02)
    for job, one in make(runs, metric="p_ap", noise=0.02).items():
        held = samples[job]
        samples[job] = Resamples(
            held.images, {**held.estimates, **one.estimates}, {**held.drawn, **one.drawn}
        )
    pairing = pair_runs(samples, CompareOptions(references=("ref", "second")))
    for reference, metric in product(("ref", "second"), ("i_auroc", "p_ap")):
        family = [
            one for one in pairing.differences if (one.reference, one.metric) == (reference, metric)
        ]
        assert len(family) == 4
        least = 0.0
        for rank, one in enumerate(sorted(family, key=lambda x: x.p_value)):
            least = max(least, min(1.0, one.p_value * (4 - rank)))
            assert one.p_holm == pytest.approx(least)


def test_the_note_says_what_is_corrected(make):
    note = paired_note(pair_runs(make({"ref": 0.7, "new": 0.8}), OPTIONS))
    assert "Intervals are not corrected" in note
    assert "p (Holm)" in note
