"""What runs cost: parameters, files, multiply-adds, time and memory, as far as steps recorded it.

Counts repeat and stand in the tables and on the page. Times and memory are of one machine and its
load: they stand in `costs.csv` alone.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from dcrdf.errors import UserError
from dcrdf.files.jsonfile import read_json
from dcrdf.results.cells import UNDEFINED
from dcrdf.results.names import in_order
from dcrdf.results.section import CaptionedRows, Section

TITLE = "What the runs cost"
NOTE = (
    "Trained parameters without the teacher's; the model's file with it, and with what a bank"
    " remembers; multiply-adds of the detector for one pair of images, in all orientations that are"
    " shown (convolutions and products of matrices; the rest is not counted). Mean over categories"
    " and seeds. CPU seconds of training, milliseconds of scoring a pair and peak memory are in"
    " `costs.csv`, each with its device and processor: times of different machines or loads do not"
    " compare, nor does the CPU's time of what ran on a GPU. Runs that share a training show the"
    " same training"
)
COUNTS = {
    "trained_parameters": ("trained parameters, M", 1e6),
    "model_mb": ("model, MB", 1.0),
    "score_gmac": ("scoring, GMAC a pair", 1.0),
}
"""Column -> its title in tables, and what it is divided by there."""


class CostFiles(NamedTuple):
    """One job, and where what it cost was recorded."""

    run: str
    category: str
    seed: int
    folder: Path
    """The job's own results."""
    infer: str
    """The digest of the scoring that is asked for; another's cost is not its."""


def costs_section(jobs: Iterable[CostFiles], order_of_runs: Sequence[str]) -> Section:
    """A row per run; `costs.csv` has a row per job. What was not recorded is empty."""
    frame = pd.DataFrame([_job(one) for one in jobs])
    rows = []
    for run in in_order(frame["run"], order_of_runs):
        own = frame[frame["run"] == run]
        means = {name: float(own[name].mean()) / unit for name, (_, unit) in COUNTS.items()}
        rows.append([run, *(_text(value) for value in means.values())])
    head = ("run", *(title for title, _ in COUNTS.values()))
    return Section("costs", TITLE, NOTE, [CaptionedRows("Cost by run", head, rows)], frame)


def _job(files: CostFiles) -> dict[str, Any]:
    model = files.folder / "model"
    description = _read(model / "detector.json")
    trained = _within(description, "trained_on")
    scored = _read(files.folder / "cost.json")
    if scored.get("infer") != files.infer:
        scored = {}
    weights = model / "weights.safetensors"
    return {
        "run": files.run,
        "category": files.category,
        "seed": files.seed,
        "trained_parameters": _number(description, "trained_parameters"),
        "model_mb": weights.stat().st_size / 1e6 if weights.is_file() else math.nan,
        "score_gmac": _number(scored, "gmac"),
        "train_cpu_s": _number(trained, "cpu_s"),
        "train_peak_memory_mb": _number(trained, "peak_memory_mb"),
        "train_device": trained.get("device", ""),
        "train_processor": trained.get("processor", ""),
        "score_cpu_ms": _number(scored, "cpu_ms"),
        "score_wall_ms": _number(scored, "wall_ms"),
        "score_device": scored.get("device", ""),
        "score_cpu_threads": _number(scored, "cpu_threads"),
        "score_batch_size": _number(scored, "batch_size"),
    }


def _read(path: Path) -> Mapping[str, Any]:
    """The object in a file; empty where there is no such file. A damaged one is refused."""
    if not path.is_file():
        return {}
    found = read_json(path)
    if not isinstance(found, dict):
        raise UserError(f"{path}: not what `dcrdf infer` writes; run it again")
    return found


def _within(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def _number(values: Mapping[str, Any], key: str) -> float:
    found = values.get(key)
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return float(found) if is_number else math.nan  # type: ignore[arg-type]


def _text(value: float) -> str:
    return UNDEFINED if math.isnan(value) else f"{value:.3g}" if value < 100 else f"{value:.0f}"
