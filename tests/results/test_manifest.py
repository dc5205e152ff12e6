"""The record of how a table was made."""

import hashlib
import json
from datetime import UTC, datetime

import pytest

from dcrdf.config.stages import digest_of_record
from dcrdf.errors import UserError
from dcrdf.results.manifest import ResultFiles, provenance, write_manifest
from dcrdf.results.rows import read_metrics

TIMES = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 2, 3, 5, 0, tzinfo=UTC)


@pytest.fixture
def job(metrics_file, description_file):
    """Writes the files of one job."""

    def write(run="a", **changes):
        metrics = metrics_file(run, **changes)
        return ResultFiles(metrics, description_file(metrics))

    return write


def test_provenance_traces_every_file_and_holds_no_time(job):
    files = [job("a", seed=1), job("a", seed=0), job("b")]
    record = provenance(files)
    assert record["seeds"] == {"a": [0, 1], "b": [0]}
    assert record["code"]["version"] == record["software"]["dcrdf"]
    first = record["results"][0]
    assert first["sha256"] == hashlib.sha256(files[0].metrics.read_bytes()).hexdigest()
    assert first["stage_digest"] == read_metrics(files[0].metrics).digest
    infer = json.loads(files[0].description.read_text())["infer"]
    assert first["stage"]["upstream"] == {"infer": digest_of_record(infer)}
    assert first["trained_on"] == {"device": "cpu"}
    assert first["weights_sha256"] == "f00d"
    assert first["maps_sha256"] == read_metrics(files[0].metrics).maps_sha256
    assert record == provenance(files)


def test_provenance_holds_settings_and_data_of_every_run_and_category(job):
    record = provenance([job("a"), job("a", category="bolt"), job("b")])
    assert {run: list(found) for run, found in record["settings"].items()} == {
        "a": ["nut", "bolt"],
        "b": ["nut"],
    }
    settings = record["settings"]["a"]["bolt"]
    assert settings["data"] == "d1g35t"
    assert settings["train"] == {"epochs": 3}
    assert settings["version"] == {"train": 1, "infer": 2, "evaluate": 1}


def test_a_removed_model_leaves_the_rest_traceable(job):
    one = job("a")
    one.description.unlink()
    record = provenance([one, job("b")])
    assert record["settings"]["a"] == {}
    assert "trained_on" not in record["results"][0]
    assert record["results"][0]["sha256"]


def test_a_damaged_model_is_named(job):
    one = job("a")
    one.description.write_text("[]")
    with pytest.raises(UserError, match="detector.json: not what `dcrdf infer` writes"):
        provenance([one])


def test_manifest_holds_machine_and_times(job, tmp_path):
    path = tmp_path / "manifest.json"
    files = [job()]
    write_manifest(path, provenance(files), files, *TIMES)
    record = json.loads(path.read_text())
    assert record["started"] == "2026-01-02T03:04:05+00:00"
    assert record["finished"] == "2026-01-02T03:05:00+00:00"
    assert record["machine"]["cpus"] >= 1
    assert record["written"]["first"] <= record["written"]["last"]
