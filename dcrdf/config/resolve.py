"""A configuration's values -> all options of every run on every category: defaults, presets and
overrides merged, each bad key named where the user wrote it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dcrdf.config.closed import Closed
from dcrdf.config.detectors import DETECTORS, DetectorInfo
from dcrdf.config.options import (
    EvaluateOptions,
    InferOptions,
    PrepareOptions,
    PseudoOptions,
    RobustnessOptions,
    TeacherOptions,
    TrainOptions,
)
from dcrdf.config.schema import (
    SECTIONS,
    CategoryOverrides,
    Config,
    RunOptions,
    StageOverrides,
)
from dcrdf.errors import UserError


@dataclass(frozen=True)
class Resolved:
    """All options of one run on one category, defaults, presets and overrides merged."""

    detector: str
    info: DetectorInfo
    options: Closed
    prepare: PrepareOptions
    pseudo: PseudoOptions
    teacher: TeacherOptions
    train: TrainOptions
    infer: InferOptions
    evaluate: EvaluateOptions
    robustness: RobustnessOptions


def parse_config(values: dict[str, Any]) -> Config:
    """Validate a whole configuration, every run on every category; raise `UserError`."""
    config = Config.parse(values, "")
    _check_partials(config)
    for name in config.compare.references:
        if name not in config.runs:
            known = ", ".join(config.runs)
            raise UserError(f"config: compare.references: no run {name!r}; runs: {known}")
    for run in config.runs:
        for category in config.dataset.categories:
            resolve(config, run, category)
    return config


def resolve(config: Config, run: str, category: str) -> Resolved:
    """Merge defaults < preset < top level < run < category < run within category."""
    chosen = config.runs[run]
    info, preset = _detector_and_preset(run, chosen)
    override = config.overrides.get(category, CategoryOverrides())
    layers: list[Any] = [chosen, override, override.runs.get(run, StageOverrides())]

    def merged(section: str) -> dict[str, Any]:
        values = {**preset.get(section, {}), **getattr(config, section, {})}
        for layer in layers:
            values |= getattr(layer, section)
        return values

    where = f"runs.{run} on {category}"
    sections: dict[str, Any] = {
        name: model.parse(merged(name), f"{name} ({where})") for name, model in SECTIONS.items()
    }
    options = info.options.parse(merged("options"), f"options ({where})")
    allowed = info.allowed_fusions(options)
    if sections["infer"].fusion not in allowed:
        raise UserError(
            f"config: infer.fusion ({where}): {sections['infer'].fusion!r} is not offered by"
            f" {chosen.detector} with these options; allowed: {', '.join(sorted(allowed))}"
        )
    _check_maps(sections["infer"], chosen.detector, info, where)
    if sections["infer"].orientations > 1 and getattr(options, "augment", "none") == "none":
        learnt = (
            "images are learnt as they are (options.augment: none); set it to 1, or set"
            " options.augment"
            if hasattr(options, "augment")
            else f"{chosen.detector} learns images as they are; set it to 1"
        )
        raise UserError(f"config: infer.orientations ({where}): {learnt}")
    return Resolved(chosen.detector, info, options, **sections)


def _check_maps(infer: InferOptions, detector: str, info: DetectorInfo, where: str) -> None:
    if infer.maps not in info.maps:
        raise UserError(
            f"config: infer.maps ({where}): {infer.maps!r} is not offered by {detector};"
            f" allowed: {', '.join(sorted(info.maps))}"
        )
    if infer.maps != "raw" and infer.fusion == "cm_segf":
        raise UserError(
            f"config: infer.maps ({where}): cm_segf weighs raw maps; choose another infer.fusion"
        )


def _detector_and_preset(run: str, chosen: RunOptions) -> tuple[DetectorInfo, Mapping[str, Any]]:
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
    return info, info.presets[chosen.preset]


def _check_partials(config: Config) -> None:
    """Name a bad key where the user wrote it, before merging hides its place."""
    for name, model in SECTIONS.items():
        model.check_partial(getattr(config, name), name)
    for run, chosen in config.runs.items():
        _check_overrides(chosen, run, config, f"runs.{run}")
    for category, override in config.overrides.items():
        if category not in config.dataset.categories:
            raise UserError(f"config: overrides.{category}: no such category in dataset.categories")
        if override.options:
            raise UserError(
                f"config: overrides.{category}.options: options belong to a detector;"
                f" write overrides.{category}.runs.RUN.options"
            )
        _check_overrides(override, None, config, f"overrides.{category}")
        for run, within in override.runs.items():
            _check_overrides(within, run, config, f"overrides.{category}.runs.{run}")


def _check_overrides(given: StageOverrides, run: str | None, config: Config, where: str) -> None:
    for name, model in SECTIONS.items():
        model.check_partial(getattr(given, name), f"{where}.{name}")
    if run is None:
        return
    if run not in config.runs:
        raise UserError(f"config: {where}: no such run; runs: {', '.join(config.runs)}")
    info, _ = _detector_and_preset(run, config.runs[run])
    info.options.check_partial(given.options, f"{where}.options")
