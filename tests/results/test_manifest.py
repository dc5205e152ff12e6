"""The record of how a table was made."""

import hashlib
import json
from datetime import UTC, datetime

from dcrdf.results.manifest import provenance, software_versions, write_manifest
from dcrdf.results.rows import read_metrics


def test_versions_are_of_the_running_software():
    import numpy as np

    found = software_versions()
    assert found["numpy"] == np.__version__
    assert "python" in found


def test_absent_packages_are_left_out(monkeypatch):
    monkeypatch.setattr("dcrdf.results.manifest.PACKAGES", ("no-such-package-here",))
    assert list(software_versions()) == ["python"]


def test_provenance_traces_every_file_and_holds_no_time(metrics_file):
    files = [metrics_file("a", seed=1), metrics_file("a", seed=0), metrics_file("b")]
    record = provenance(files)
    assert record["seeds"] == {"a": [0, 1], "b": [0]}
    first = record["results"][0]
    assert first["sha256"] == hashlib.sha256(files[0].read_bytes()).hexdigest()
    assert first["stage_digest"] == read_metrics(files[0]).digest
    assert first["stage"]["upstream"] == {"infer": "abcd1234"}
    assert record == provenance(files)


def test_manifest_holds_machine_and_times(metrics_file, tmp_path):
    path = tmp_path / "manifest.json"
    times = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 2, 3, 5, 0, tzinfo=UTC)
    write_manifest(path, [metrics_file()], *times)
    record = json.loads(path.read_text())
    assert record["started"] == "2026-01-02T03:04:05+00:00"
    assert record["finished"] == "2026-01-02T03:05:00+00:00"
    assert record["machine"]["cpus"] >= 1
