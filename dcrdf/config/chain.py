"""Which stages a job has, and the record of each: its options and the stages above it."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from dcrdf.config.closed import Closed
from dcrdf.config.layouts import place_record
from dcrdf.config.resolve import resolve
from dcrdf.config.resolved import Resolved
from dcrdf.config.schema import Config
from dcrdf.config.stages import Stage, digests_of


class Job(NamedTuple):
    """One model: a run on a category with a seed."""

    run: str
    category: str
    seed: int


@dataclass(frozen=True)
class Chain:
    """The stages of one job, from prepared data to metrics; None where it does not have one."""

    resolved: Resolved
    prepare: Stage
    pseudo: Stage | None
    train: Stage
    infer: Stage
    evaluate: Stage
    resample: Stage | None
    robustness: Stage | None


def chain_of(config: Config, job: Job) -> Chain:
    """The stages of one job of a configuration."""
    resolved = resolve(config, job.run, job.category)
    prepare = Stage(
        "prepare",
        {
            **_place(config, job),
            "keep_xyz": resolved.options.needs_points(),
            **_dump(resolved.prepare),
        },
    )
    pseudo = None
    if resolved.needs_variants:
        pseudo = Stage("pseudo", _dump(resolved.pseudo), digests_of(prepare=prepare))
    train = Stage(
        "train", _train_options(resolved, job), digests_of(prepare=prepare, pseudo=pseudo)
    )
    infer = Stage("infer", _dump(resolved.infer), digests_of(train=train))
    evaluate = Stage("evaluate", _dump(resolved.evaluate), digests_of(infer=infer))
    resample = robustness = None
    if config.compare.asks:
        drawn = _dump(config.compare)
        options = {key: drawn[key] for key in ("size", "limits", "resamples")}
        resample = Stage("resample", options, digests_of(infer=infer))
    if resolved.robustness.degradations:
        options = {**_place(config, job), **_dump(resolved.robustness)}
        robustness = Stage("robustness", options, digests_of(infer=infer))
    return Chain(resolved, prepare, pseudo, train, infer, evaluate, resample, robustness)


def _place(config: Config, job: Job) -> dict[str, Any]:
    """Where a step that reads raw scans finds them."""
    return place_record(job.category, config.dataset.layout, config.dataset.reader)


def _train_options(resolved: Resolved, job: Job) -> dict[str, Any]:
    used = resolved.info.train_fields
    train = {key: value for key, value in _dump(resolved.train).items() if key in used}
    return {
        "detector": resolved.detector,
        "options": _dump(resolved.options),
        # An absent key is left out: records from before there was one stay as they are.
        "teacher": resolved.teacher.model_dump(mode="json", exclude_none=True),
        "train": train,
        "seed": job.seed,
    }


def _dump(options: Closed) -> dict[str, Any]:
    return options.record()
