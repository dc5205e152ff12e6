"""What runs cost: read where it was recorded, empty elsewhere, never another scoring's."""

import json

import pandas as pd
import pytest

from dcrdf.errors import UserError
from dcrdf.results.costs import CostFiles, costs_section


@pytest.fixture
def job(tmp_path):
    """Files of a job as `train` and `infer` leave them."""

    def make(run, seed=0, parameters=3_000_000, infer="aa", gmac=2.0, cpu_ms=40.0):
        folder = tmp_path / run / "nut" / f"seed{seed}"
        (folder / "model").mkdir(parents=True)
        trained = {"device": "cpu", "peak_memory_mb": 700, "cpu_s": 12.5, "processor": "P"}
        described = {"trained_parameters": parameters, "trained_on": trained}
        (folder / "model" / "detector.json").write_text(json.dumps(described))
        (folder / "model" / "weights.safetensors").write_bytes(bytes(1_500_000))
        cost = {"infer": infer, "gmac": gmac, "cpu_ms": cpu_ms, "wall_ms": 1.0, "device": "cpu"}
        (folder / "cost.json").write_text(json.dumps(cost))
        return CostFiles(run, "nut", seed, folder, "aa")

    return make


def test_a_row_per_run_in_the_order_asked_for(job):
    jobs = [job("a", 0, gmac=2.0), job("a", 1, gmac=4.0), job("b", parameters=0)]
    section = costs_section(jobs, ["b", "a"])
    assert section.tables[0].rows == [["b", "0", "1.5", "2"], ["a", "3", "1.5", "3"]]
    assert len(section.frame) == 3
    assert list(section.frame["train_cpu_s"]) == [12.5, 12.5, 12.5]


def test_tables_and_page_hold_no_times(job):
    """Which would differ each time: only the CSV has them."""
    one, other = (costs_section([job(run, cpu_ms=ms)], [])
                  for run, ms in (("a", 40.0), ("b", 90.0)))  # fmt: skip
    assert one.markdown == other.markdown.replace("| b |", "| a |")
    assert list(other.frame["score_cpu_ms"]) == [90.0]


def test_what_was_not_recorded_is_empty(tmp_path):
    section = costs_section([CostFiles("a", "nut", 0, tmp_path, "aa")], [])
    assert section.tables[0].rows == [["a", "-", "-", "-"]]


def test_the_cost_of_another_scoring_is_not_taken(job):
    section = costs_section([job("a", infer="bb")], [])
    assert section.tables[0].rows == [["a", "3", "1.5", "-"]]
    assert pd.isna(section.frame["score_cpu_ms"]).all()


@pytest.mark.parametrize("text", ["[]", "3", "{"])
def test_a_damaged_file_is_named(job, text):
    files = job("a")
    (files.folder / "cost.json").write_text(text)
    with pytest.raises(UserError, match=r"cost\.json"):
        costs_section([files], [])
