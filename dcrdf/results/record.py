"""The stage's record that an output carries, and outputs whose record is not the plan's.

Snakemake remembers in `.snakemake` what it made with which options. Results that were copied, or
whose `.snakemake` is gone, are known by their own records alone.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dcrdf.config.plan import Plan
from dcrdf.config.stages import Stage, digest_of_record
from dcrdf.errors import UserError
from dcrdf.files.hdf5 import open_hdf5, read_attribute
from dcrdf.files.jsonfile import read_json

UNREADABLE = (UserError, OSError, KeyError, ValueError, TypeError, RuntimeError)
_IN_PAGE = re.compile(rb'<meta name="dcrdf-record" content="([0-9a-f]{8})">')
_HEAD_BYTES = 4096


def digest_in(path: Path) -> str | None:
    """The digest of the record in an output of a job, tables or page; None where none is found."""
    try:
        if path.suffix == ".html":
            with path.open("rb") as file:
                found = _IN_PAGE.search(file.read(_HEAD_BYTES))
            return found and found[1].decode()
        return digest_of_record(_record_in(path))
    except UNREADABLE:
        return None


def stale_outputs(plan: Plan) -> list[Path]:
    """The results that are there and carry another record than the plan's, or a damaged one.

    Prepared data, pseudo-anomalies and models are not looked at: their names hold their digests.
    """
    return [
        path
        for path, stage in _results_of(plan)
        if path.is_file() and digest_in(path) != stage.digest
    ]


def _record_in(path: Path) -> Any:
    if path.suffix == ".h5":
        with open_hdf5(path) as file:
            return json.loads(read_attribute(file, "stage"))
    # A model's own stage is its training.
    return read_json(path)["infer" if path.name == "detector.json" else "stage"]


def _results_of(plan: Plan) -> Iterator[tuple[Path, Stage]]:
    for job, chain in plan.chains.items():
        stages = {
            "model/detector.json": chain.infer,
            "maps.h5": chain.infer,
            "metrics.json": chain.evaluate,
            "resamples.h5": chain.resample,
            "robustness.json": chain.robustness,
        }
        for name, stage in stages.items():
            if stage is not None:
                yield plan.run_folder(job) / name, stage
    yield plan.folder / "tables" / "manifest.json", plan.aggregate
    yield plan.folder / "report.html", plan.report
