"""What an output says it was made with."""

import json

import pytest
import yaml

from dcrdf.cli.common import load_plan
from dcrdf.files.hdf5 import new_hdf5, write_attributes
from dcrdf.results.record import stale_outputs


@pytest.fixture
def plan(tmp_path, minimal, monkeypatch):
    """A plan of one job with every kind of result, below the working directory."""
    monkeypatch.chdir(tmp_path)
    minimal["dataset"] |= {"categories": ["a"]}
    minimal |= {"compare": {"references": ["net"]}, "robustness": {"degradations": ["rgb_absent"]}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(minimal))
    return load_plan(tmp_path / "own.yaml")


@pytest.fixture
def results(plan):
    """Every result of the plan, with the plan's records and nothing else."""
    job, chain = next(iter(plan.chains.items()))
    folder = plan.run_folder(job)
    texts = {
        folder / "model" / "detector.json": {"stage": {}, "infer": chain.infer.to_dict()},
        folder / "metrics.json": {"stage": chain.evaluate.to_dict()},
        folder / "robustness.json": {"stage": chain.robustness.to_dict()},
        plan.folder / "tables" / "manifest.json": {"stage": plan.aggregate.to_dict()},
    }
    for path, value in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    for name, stage in (("maps.h5", chain.infer), ("resamples.h5", chain.resample)):
        with new_hdf5(folder / name) as file:
            write_attributes(file, {"stage": stage.to_json()})
    page = f'<!doctype html><meta name="dcrdf-record" content="{plan.report.digest}">'
    (plan.folder / "report.html").write_text(page)
    return [path for path in plan.folder.rglob("*") if path.is_file()]


def test_results_of_the_plan_are_current_and_absent_ones_are_not_told(plan, results):
    assert len(results) == 7
    assert stale_outputs(plan) == []
    results[0].unlink()
    assert stale_outputs(plan) == []


@pytest.mark.parametrize("contents", [b"", b"{}", b"[1]", b'{"stage": {}, "infer": 3}'])
def test_damaged_results_and_those_of_other_settings_are_told(plan, results, contents):
    for path in results:
        kept = path.read_bytes()
        path.write_bytes(contents)
        assert stale_outputs(plan) == [path]
        path.write_bytes(kept)
