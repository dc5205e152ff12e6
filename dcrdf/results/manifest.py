"""What a table was made with: settings, data, code and machine, for tracing it back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dcrdf.files.digests import sha256_of_file
from dcrdf.files.jsonfile import write_json
from dcrdf.results.machine import code_version, machine, software_versions
from dcrdf.results.rows import Metrics, read_metrics
from dcrdf.results.run_folder import job_settings, training_of

IDENTITY = {"dataset", "run", "category", "seed", "counts", "maps_sha256"}
"""What a result says of itself, as it stands in its `metrics.json`."""


@dataclass(frozen=True)
class ResultFiles:
    """The files behind one job's numbers."""

    metrics: Path
    description: Path
    """The model's `detector.json`."""


def provenance(files: Sequence[ResultFiles]) -> dict[str, Any]:
    """The running code, the settings of every run and category (with the digest of its scans), and
    of every `metrics.json` its identity, record and digests, the digests of its maps and of its
    model's weights, and what machine, code, software and teacher trained it.

    The same files and software give the same record: it holds no times. Of a model that has been
    removed nothing is told.
    """
    read = [(one, read_metrics(one.metrics)) for one in files]
    return {
        "code": code_version(),
        "software": software_versions(),
        "seeds": _seeds(metrics for _, metrics in read),
        "settings": _settings(read),
        "results": [_result(one, metrics) for one, metrics in read],
    }


def write_manifest(
    path: Path,
    record: dict[str, Any],
    files: Sequence[ResultFiles],
    started: datetime,
    finished: datetime,
) -> None:
    """Write a `provenance` of `files` with the machine and the times of the step that made a table.

    `written` are the times of the oldest and the newest of `files`.
    """
    times = {
        "written": _written(files),
        "started": started.isoformat(timespec="seconds"),
        "finished": finished.isoformat(timespec="seconds"),
    }
    write_json(path, {**record, "machine": machine(), **times})


def _settings(read: Iterable[tuple[ResultFiles, Metrics]]) -> dict[str, dict[str, Any]]:
    """Run -> category -> settings; seeds share them."""
    found: dict[str, dict[str, Any]] = {}
    for one, metrics in read:
        by_category = found.setdefault(metrics.run, {})
        if metrics.category not in by_category and one.description.is_file():
            by_category[metrics.category] = job_settings(one.description, metrics)
    return found


def _seeds(results: Iterable[Metrics]) -> dict[str, list[int]]:
    found: dict[str, set[int]] = {}
    for result in results:
        found.setdefault(result.run, set()).add(result.seed)
    return {run: sorted(seeds) for run, seeds in sorted(found.items())}


def _result(files: ResultFiles, metrics: Metrics) -> dict[str, Any]:
    record = {
        "file": files.metrics.as_posix(),
        "sha256": sha256_of_file(files.metrics),
        "stage": metrics.stage.model_dump(),
        "stage_digest": metrics.digest,
        **metrics.model_dump(include=IDENTITY),
    }
    if files.description.is_file():
        record |= training_of(files.description)
    return record


def _written(files: Iterable[ResultFiles]) -> dict[str, str]:
    paths = {path for one in files for path in (one.metrics, one.description)}
    times = [path.stat().st_mtime for path in paths if path.is_file()]
    named = {"first": min(times), "last": max(times)}
    return {
        name: datetime.fromtimestamp(time_s, UTC).isoformat(timespec="seconds")
        for name, time_s in named.items()
    }
