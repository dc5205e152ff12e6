"""What a table was made with: settings, seeds and software, for tracing it back."""

import os
import platform
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from dcrdf.files.digests import sha256_of_file
from dcrdf.files.jsonfile import write_json
from dcrdf.results.rows import read_metrics

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


def provenance(files: Sequence[Path]) -> dict[str, Any]:
    """Software and, per `metrics.json`, its identity, stage record and digests.

    The same files and software give the same record: it holds no times and no machine.
    """
    results = [_result(path) for path in files]
    return {"software": software_versions(), "seeds": _seeds(results), "results": results}


def write_manifest(
    path: Path, files: Sequence[Path], started: datetime, finished: datetime
) -> None:
    """Write `provenance` together with the machine and the times of the step that made a table."""
    record = provenance(files)
    record["machine"] = {
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cpus": os.cpu_count(),
    }
    record["started"] = started.isoformat(timespec="seconds")
    record["finished"] = finished.isoformat(timespec="seconds")
    write_json(path, record)


def _seeds(results: Sequence[dict[str, Any]]) -> dict[str, list[int]]:
    found: dict[str, set[int]] = {}
    for result in results:
        found.setdefault(result["run"], set()).add(result["seed"])
    return {run: sorted(seeds) for run, seeds in sorted(found.items())}


def _result(path: Path) -> dict[str, Any]:
    metrics = read_metrics(path)
    return {
        "file": path.as_posix(),
        "sha256": sha256_of_file(path),
        "stage": metrics.stage.model_dump(),
        "stage_digest": metrics.digest,
        **metrics.model_dump(include={"dataset", "run", "category", "seed", "counts"}),
    }
