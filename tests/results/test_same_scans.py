"""Runs of a category come from the same scans, or make no table."""

import pytest

from dcrdf.errors import UserError
from dcrdf.results.same_scans import check_same_scans


@pytest.fixture
def job(metrics_file, description_file):
    """Metrics and description of a job whose scans have the given digest."""

    def make(run, digest, category="nut", seed=0):
        metrics = metrics_file(run, category, seed)
        preparation = {"options": {"image_size": 64}, "input_digest": digest}
        return metrics, description_file(metrics, preparation=preparation)

    return make


def test_the_same_scans_in_every_run_and_seed(job):
    check_same_scans([job("a", "x"), job("b", "x"), job("b", "x", seed=1), job("a", "y", "tyre")])


@pytest.mark.parametrize("seed", [0, 1])
def test_other_scans_are_refused_by_name(job, seed):
    with pytest.raises(UserError, match="run 'b' was made from other scans of nut than 'a'") as one:
        check_same_scans([job("a", "x"), job("b", "z", seed=seed)])
    assert "\n" not in str(one.value)


def test_of_a_model_that_is_gone_nothing_is_known(job):
    one, other = job("a", "x"), job("b", "z")
    other[1].unlink()
    check_same_scans([one, other])
