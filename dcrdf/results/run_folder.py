"""A run as it lies on disk, RESULTS/DATASET/RUN: its jobs' metrics and the settings behind them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcrdf.errors import UserError
from dcrdf.files.jsonfile import read_json
from dcrdf.results.record import digest_in
from dcrdf.results.rows import Metrics, read_metrics

Settings = dict[str, Any]


@dataclass(frozen=True)
class RunFolder:
    """What a run's folder holds."""

    path: Path
    settings: Mapping[str, Settings]
    """Category -> its settings, nested."""
    metrics: list[Metrics]
    """Of every category and seed."""


def read_run(path: Path) -> RunFolder:
    """Read every CATEGORY/seedN of a run.

    Raises `UserError` when there is none, when a file is missing or damaged, and when the seeds of
    a category were made with different settings.
    """
    files = sorted(path.glob("*/seed*/metrics.json"))
    if not files:
        raise UserError(f"{path}: no CATEGORY/seedN/metrics.json below; give results/DATASET/RUN")
    settings: dict[str, Settings] = {}
    seeds: dict[str, list[int]] = {}
    jobs = []
    for file in files:
        metrics = read_metrics(file)
        found = job_settings(file.parent / "model" / "detector.json", metrics)
        _require_one_making(file, metrics)
        if settings.setdefault(metrics.category, found) != found:
            raise UserError(f"{file}: made with other settings than another seed; run both again")
        seeds.setdefault(metrics.category, []).append(metrics.seed)
        jobs.append(metrics)
    for category, numbers in seeds.items():
        settings[category]["seeds"] = sorted(numbers)
    return RunFolder(path, settings, jobs)


def _require_one_making(file: Path, metrics: Metrics) -> None:
    """Refuse metrics that were not made from the model and the maps beside them (`UserError`)."""
    made_from = metrics.stage.model_dump().get("upstream", {}).get("infer")
    for path in (file.parent / "model" / "detector.json", file.parent / "maps.h5"):
        if path.is_file() and digest_in(path) != made_from:
            raise UserError(
                f"{file}: not made from the {path.relative_to(file.parent)} beside it; run"
                " `dcrdf infer` and `dcrdf evaluate` again"
            )


def job_settings(description_path: Path, metrics: Metrics) -> Settings:
    """The settings of one job but its seed, from its `model/detector.json` and its metrics.

    `data` is the digest of the raw scans, `version` the stages' versions; options of a stage that
    the job does not have are absent.
    """
    description = read_json(description_path)
    evaluate = metrics.stage.model_dump()
    try:
        train, infer = description["stage"], description["infer"]
        preparation = description["preparation"]
        settings = {
            "dataset": metrics.dataset,
            "data": preparation.get("input_digest"),
            "detector": {"name": description["detector"], **description["options"]},
            "teacher": train["options"]["teacher"],
            "prepare": preparation["options"],
            "pseudo": description.get("pseudo"),
            "train": train["options"]["train"],
            "infer": infer["options"],
            "evaluate": evaluate.get("options", {}),
            "version": {one["stage"]: one["version"] for one in (train, infer, evaluate)},
        }
    except (KeyError, TypeError, AttributeError) as error:
        reason = f"{type(error).__name__} {error}"
        raise UserError(
            f"{description_path}: not what `dcrdf infer` writes ({reason}); run it again"
        ) from None
    return {name: value for name, value in settings.items() if value is not None}


def training_of(description_path: Path) -> dict[str, Any]:
    """What a model's `detector.json` tells of its training: `weights_sha256` and `trained_on` (the
    machine, code, software, and teacher weights); what older versions did not write is absent."""
    description = read_json(description_path)
    if not isinstance(description, dict):
        return {}
    return {key: description[key] for key in ("weights_sha256", "trained_on") if key in description}
