"""Bad keys and names, named where the user wrote them, before merging hides their place."""

from collections.abc import Mapping

from dcrdf.config.closed import Closed
from dcrdf.config.detectors import DETECTORS, DetectorInfo
from dcrdf.config.layers import PartialPrepare
from dcrdf.config.schema import SECTIONS, Config, RunOptions, StageOverrides, StageSections
from dcrdf.errors import UserError

PARTIALS: Mapping[str, type[Closed]] = {**SECTIONS, "prepare": PartialPrepare}
"""Section name -> what a layer may hold there."""

FUSIONS = frozenset(
    name
    for options in (info.options() for info in DETECTORS.values())
    for maps in options.maps()
    for name in options.fusions(maps)
)
"""All that any detector offers; whether a run's does is known once its layers are merged."""


def check_partials(config: Config) -> None:
    """Check every layer of a configuration; raise `UserError`."""
    _check_sections(config, "")
    for name, terms in config.terms.items():
        _check_sections(terms, f"terms.{name}.")
    for run, chosen in config.runs.items():
        info = _detector_of(run, chosen)
        if chosen.terms is not None and chosen.terms not in config.terms:
            known = ", ".join(config.terms) or "none"
            raise UserError(f"config: runs.{run}.terms: no terms {chosen.terms!r}; known: {known}")
        _check_run(chosen, info, f"runs.{run}.")
    for category, override in config.overrides.items():
        where = f"overrides.{category}"
        if category not in config.dataset.categories:
            raise UserError(f"config: {where}: no such category in dataset.categories")
        if override.options:
            raise UserError(
                f"config: {where}.options: options belong to a detector;"
                f" write {where}.runs.RUN.options"
            )
        _check_sections(override, f"{where}.")
        for run, within in override.runs.items():
            if run not in config.runs:
                known = ", ".join(config.runs)
                raise UserError(f"config: {where}.runs.{run}: no such run; runs: {known}")
            info = DETECTORS[config.runs[run].detector]
            _check_run(within, info, f"{where}.runs.{run}.")


def _check_run(given: StageOverrides, info: DetectorInfo, where: str) -> None:
    _check_sections(given, where)
    info.options.check_partial(given.options, f"{where}options")


def _check_sections(given: StageSections, where: str) -> None:
    for name, model in PARTIALS.items():
        model.check_partial(getattr(given, name), f"{where}{name}")
    fusion = given.infer.get("fusion")
    if fusion is not None and fusion not in FUSIONS:
        known = ", ".join(sorted(FUSIONS))
        raise UserError(f"config: {where}infer.fusion: unknown {fusion!r}; known: {known}")


def _detector_of(run: str, chosen: RunOptions) -> DetectorInfo:
    info = DETECTORS.get(chosen.detector)
    if info is None:
        known = ", ".join(DETECTORS)
        raise UserError(
            f"config: runs.{run}.detector: unknown detector {chosen.detector!r}; allowed: {known}"
        )
    if chosen.preset not in info.presets:
        known = ", ".join(info.presets)
        raise UserError(
            f"config: runs.{run}.preset: {chosen.detector} has no preset {chosen.preset!r};"
            f" allowed: {known}"
        )
    return info
