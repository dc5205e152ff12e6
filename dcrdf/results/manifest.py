"""What a table was made with: settings, data, code and machine, for tracing it back."""

import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from dcrdf.files.digests import sha256_of_file
from dcrdf.files.jsonfile import write_json
from dcrdf.results.machine import code_version, machine
from dcrdf.results.rows import Metrics, read_metrics
from dcrdf.results.run_folder import job_settings, trained_on

PACKAGES = (
    "dcrdf",
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "pandas",
    "opencv-python-headless",
    "tifffile",
    "imagecodecs",
    "h5py",
    "pydantic",
    "safetensors",
    "snakemake",
)


def software_versions() -> dict[str, str]:
    """Python's and the installed packages' versions; a package that is absent is left out."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True)
class ResultFiles:
    """The files behind one job's numbers."""

    metrics: Path
    description: Path
    """The model's `detector.json`."""


def provenance(files: Sequence[ResultFiles]) -> dict[str, Any]:
    """The running code, the settings of every run and category (with the digest of its scans), and
    of every `metrics.json` its identity, record and digests and what machine trained its model.

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
        **metrics.model_dump(include={"dataset", "run", "category", "seed", "counts"}),
    }
    if files.description.is_file():
        record["trained_on"] = trained_on(files.description)
    return record


def _written(files: Iterable[ResultFiles]) -> dict[str, str]:
    paths = {path for one in files for path in (one.metrics, one.description)}
    times = [path.stat().st_mtime for path in paths if path.is_file()]
    named = {"first": min(times), "last": max(times)}
    return {
        name: datetime.fromtimestamp(time_s, UTC).isoformat(timespec="seconds")
        for name, time_s in named.items()
    }
