"""Naming reference runs adds one step a job, and differences in every table."""

import json

import pandas as pd
import pytest

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("finished workflow")]


def test_comparing_a_finished_experiment(finished):
    runs = finished.config["runs"]
    runs["max"] = {**runs["bank"], "infer": {"fusion": "max"}}
    scored = {"infer": 2, "evaluate": 2}
    tail = {"aggregate": 1, "report": 1}
    finished.config["compare"] = {"references": ["bank"], "resamples": 100, "limits": [0.3]}
    assert finished.planned() == scored | {"resample": 4} | tail
    finished.run()
    assert finished.planned() == {}

    frame = pd.read_csv(finished.results / "tables" / "paired.csv")
    assert set(frame["run"]) == {"max"}
    evaluated = {}
    for run in ("bank", "max"):
        for category in ("a", "b"):
            file = finished.results / run / category / "seed0" / "metrics.json"
            for one in json.loads(file.read_text())["values"]:
                if one["branch"] == "fused" and one["defect"] == "all":
                    evaluated[run, category, one["metric"]] = one["value"]
    image = frame[frame["metric"] == "i_auroc"].iloc[0]
    for column, run in (("mean", "max"), ("reference_mean", "bank")):
        both = [evaluated[run, category, "i_auroc"] for category in ("a", "b")]
        assert image[column] == pytest.approx(sum(both) / 2)
    tables = (finished.results / "tables" / "tables.md").read_text()
    assert "minus bank" in tables
    assert tables.startswith("# The comparison in short")
    assert (finished.results / "tables" / "answer.csv").is_file()
    page = (finished.results / "report.html").read_text()
    assert page.index('id="answer"') < page.index('id="summary"') < page.index('id="paired"')

    del finished.config["compare"]
    assert finished.planned() == tail
