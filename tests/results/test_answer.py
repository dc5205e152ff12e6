"""What a comparison says in short: who stands above a reference, and who is compared with it."""

from itertools import product

import numpy as np
import pytest

from dcrdf.config.options import CompareOptions
from dcrdf.results.answer import answer_section
from dcrdf.results.paired import JobName, pair_runs
from dcrdf.results.resamples import Resamples

EQUAL = {"ref_equal": "equal", "good_equal": "equal", "same_equal": "equal", "bad_equal": "equal"}
VALUES = {"ref_equal": 0.8, "good_equal": 0.9, "same_equal": 0.8, "bad_equal": 0.7, "own": 0.95}


@pytest.fixture
def pairing():
    """Runs whose differences are known, on draws that scatter by half a point."""

    def build(references, values=VALUES, seeds=(0, 1, 2), metrics=("i_auroc", "aupro_30")):
        generator, samples = np.random.default_rng(5), {}
        for run, category, seed in product(values, "ab", seeds):
            value = dict.fromkeys(metrics, values[run] + 1e-4 * (-1) ** seed)
            drawn = {metric: one + generator.normal(0, 0.005, 300) for metric, one in value.items()}
            samples[JobName(run, category, seed)] = Resamples(category, value, drawn)
        return pair_runs(samples, CompareOptions(references=references))

    return build


def table(section, caption):
    (found,) = (one for one in section.tables if one.caption.startswith(caption))
    return {row[0]: list(row[1:]) for row in found.rows}


def test_above_below_and_not_told_apart(pairing):
    section = answer_section(pairing(("ref_equal",)), EQUAL)
    above, level, below = table(section, "Image AUROC: which")["ref_equal"]
    assert above.startswith("good_equal +10.0 [")
    assert level.startswith("same_equal ")
    assert below.startswith("bad_equal -10.0 [")
    frame = section.frame.set_index(["metric", "run"])["stands"]
    assert dict(frame["aupro_30"]) == {"good_equal": 1, "same_equal": 0, "bad_equal": -1}


def test_a_reference_on_equal_terms_is_not_compared_with_runs_on_their_own(pairing):
    pairs = pairing(("ref_equal", "own"))
    section = answer_section(pairs, EQUAL)
    assert "own" not in " ".join(table(section, "Image AUROC: which")["ref_equal"])
    assert "ref_equal" in " ".join(table(section, "Image AUROC: which")["own"])
    others = answer_section(pairs, {**EQUAL, "own": "other"})
    assert set(others.frame["reference"]) == {"ref_equal"}  # nobody is on the other's terms


def test_means_are_of_the_compared_runs_best_first(pairing):
    means = table(answer_section(pairing(("ref_equal",)), EQUAL), "Means")
    assert list(means) == ["good_equal", "ref_equal", "same_equal", "bad_equal"]
    assert means["good_equal"] == ["90.0", "90.0"]


def test_a_difference_must_survive_the_correction_for_many_comparisons(pairing):
    """Ten runs with an interval that just excludes zero: by Holm's rule none of them stands out."""
    names = [f"run{number}" for number in range(10)]
    pairs = pairing(("ref",), {"ref": 0.8, **dict.fromkeys(names, 0.8064)})
    assert any(one.verdict for one in pairs.differences)
    assert set(answer_section(pairs, {}).frame["stands"]) == {0}


def test_one_seed_says_nothing_of_other_trainings(pairing):
    section = answer_section(pairing(("ref_equal",), seeds=(0,)), EQUAL)
    assert "with one seed nothing is known of other trainings" in section.note
    assert "equal terms" not in answer_section(pairing(("own",)), {}).note


def test_without_references_there_is_no_answer(pairing):
    assert answer_section(pairing(()), EQUAL) is None
    assert answer_section(pairing(("ref_equal",), metrics=("p_auroc",)), EQUAL) is None
