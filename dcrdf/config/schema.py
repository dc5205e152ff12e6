"""The configuration file: its closed schema, and how a run's and a category's overrides merge."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, field_validator, model_validator

from dcrdf.config.closed import Closed
from dcrdf.config.detectors import DETECTORS, DetectorInfo
from dcrdf.config.download import DownloadsOptions
from dcrdf.config.options import (
    CompareOptions,
    Distinct,
    EvaluateOptions,
    InferOptions,
    NonNegative,
    PathText,
    PrepareOptions,
    PseudoOptions,
    ReportOptions,
    RobustnessOptions,
    SyntheticOptions,
    TeacherOptions,
    TrainOptions,
)
from dcrdf.errors import UserError

SECTIONS: Mapping[str, type[Closed]] = {
    "prepare": PrepareOptions,
    "pseudo": PseudoOptions,
    "teacher": TeacherOptions,
    "train": TrainOptions,
    "infer": InferOptions,
    "evaluate": EvaluateOptions,
    "robustness": RobustnessOptions,
}
RESERVED_RUN_NAMES = frozenset(
    {"prepared", "variants", "models", "tables", "logs", "benchmarks", "report.html"}
)
Partial = dict[str, Any]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.]*")


def _check_name(name: str, what: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{what} {name!r} may hold letters, digits, '_' and '.' only")
    return name


class UniqueKeys(yaml.SafeLoader):  # type: ignore[misc]
    """Reads plain YAML and refuses a key that stands twice in a mapping: the last would win."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        """As the base class does."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if (key.tag, key.value) in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark
                )
            seen.add((key.tag, key.value))
        return node


class DatasetOptions(Closed):
    """Where the raw scans are and how they are laid out."""

    name: str
    layout: Literal["mvtec3d", "folder", "eyecandies"] = "mvtec3d"
    root: PathText
    categories: Distinct[str]
    synthetic: SyntheticOptions | None = None

    @model_validator(mode="after")
    def _made_as_mvtec3d(self) -> "DatasetOptions":
        if self.synthetic is not None and self.layout == "eyecandies":
            raise ValueError("synthetic data are laid out as mvtec3d, not as eyecandies")
        return self

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        return _check_name(name, "the data set's name")

    @field_validator("categories")
    @classmethod
    def _plain_categories(cls, categories: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_check_name(category, "category") for category in categories)


class StageSections(Closed):
    """Partial stage sections, merged over those that stand further out."""

    prepare: Partial = {}
    pseudo: Partial = {}
    teacher: Partial = {}
    train: Partial = {}
    infer: Partial = {}
    evaluate: Partial = {}
    robustness: Partial = {}


class StageOverrides(StageSections):
    """Stage sections and a detector's own options."""

    options: Partial = {}


class RunOptions(StageOverrides):
    """A named configuration: a detector, a preset, and what differs from them."""

    detector: str
    preset: str


class CategoryOverrides(StageOverrides):
    """What differs for one category, in all runs or in named ones."""

    runs: dict[str, StageOverrides] = {}


class Config(StageSections):
    """The whole configuration file."""

    results: PathText = "results"
    data: PathText = "data"
    dataset: DatasetOptions
    downloads: DownloadsOptions = DownloadsOptions()
    seeds: Distinct[NonNegative] = (0,)
    compare: CompareOptions = CompareOptions()
    report: ReportOptions = ReportOptions()
    runs: Annotated[dict[str, RunOptions], Field(min_length=1)]
    overrides: dict[str, CategoryOverrides] = {}

    @field_validator("runs")
    @classmethod
    def _plain_runs(cls, runs: dict[str, RunOptions]) -> dict[str, RunOptions]:
        for name in runs:
            _check_name(name, "run")
            if name in RESERVED_RUN_NAMES:
                raise ValueError(f"{name!r} is a part of the results; name the run otherwise")
        return runs


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


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; object tags and repeated keys are refused (`UserError`)."""
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), UniqueKeys)  # noqa: S506 - a safe loader
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise UserError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(values, dict):
        raise UserError(f"{path}: a mapping of keys is expected")
    return values


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
