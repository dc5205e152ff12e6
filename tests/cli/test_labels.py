"""A run that is not quite as published is called so in everything that shows its numbers."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from dcrdf.cli import main
from dcrdf.cli.common import load_plan

CHANGED = "published but for train.epochs: 20"


@pytest.fixture
def evaluated(tmp_path, monkeypatch, write_metrics):
    """Writes a configuration and the metrics of its jobs, as if all had been run."""
    monkeypatch.chdir(tmp_path)

    def write(**train):
        values = {
            "dataset": {"name": "tiny", "root": "scans", "categories": ["a"]},
            "runs": {
                "full": {"detector": "dcrdf_net", "preset": "baseline", "train": train},
                "bank": {"detector": "memory_bank", "preset": "default"},
            },
        }
        (tmp_path / "own.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
        plan = load_plan(tmp_path / "own.yaml")
        for job, chain in plan.chains.items():
            identity = {"dataset": "tiny", **job._asdict()}
            path = plan.run_folder(job) / "metrics.json"
            write_metrics(path, stage=chain.evaluate.to_dict(), **identity)
        return plan.folder

    return write


@pytest.mark.parametrize(("train", "label"), [({}, "as published"), ({"epochs": 20}, CHANGED)])
def test_tables_and_manifest(evaluated, train, label):
    folder = evaluated(**train) / "tables"
    stage = load_plan(Path("own.yaml")).aggregate.to_json()  # which sorts the runs
    assert main(["aggregate", "--stage", stage, "--results", str(folder.parent)]) == 0
    for name in ("tidy.csv", "wide_i_auroc.csv"):
        rows = pd.read_csv(folder / name)
        found = dict(zip(rows["run"], rows["label"], strict=True))
        assert found == {"full": label, "bank": "not published"}
    assert f"- full: {label}\n- bank: not published\n" in (folder / "tables.md").read_text()
    assert f"% full: {label}\n" in (folder / "tables.tex").read_text()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["stage"]["options"]["labels"] == {"full": label, "bank": "not published"}


@pytest.mark.parametrize(("train", "label"), [({}, "as published"), ({"epochs": 20}, CHANGED)])
def test_the_page_is_given_the_labels(evaluated, monkeypatch, train, label):
    evaluated(**train)
    given = []
    monkeypatch.setattr("dcrdf.report.page.build_report", given.append)
    monkeypatch.setattr("dcrdf.cli.report._settings", lambda _: {})
    assert main(["report", "--config", "own.yaml"]) == 0
    assert given[0].labels == {"full": label, "bank": "not published"}


@pytest.mark.parametrize("labels", [None, ["full"], {"full": 3, "bank": ""}, {"full": ""}])
@pytest.mark.parametrize("command", ["aggregate", "report"])
def test_records_without_labels_are_refused(evaluated, capsys, command, labels):
    folder = evaluated()
    stage = getattr(load_plan(Path("own.yaml")), command).to_dict()
    stage["options"] = {k: v for k, v in stage["options"].items() if k != "labels"}
    stage["options"] |= {} if labels is None else {"labels": labels}
    arguments = [command, "--stage", json.dumps(stage), "--results", str(folder)]
    assert main(arguments) == 2
    assert "labels" in capsys.readouterr().err
    assert not (folder / "tables").exists()
