"""The configuration file's sections and keys as closed models."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator, model_validator

from dcrdf.config.closed import Closed
from dcrdf.config.download import DownloadsOptions
from dcrdf.config.evidence import EMBEDDED_EVIDENCE, Evidence
from dcrdf.config.layouts import DEFAULT_LAYOUT, MADE_AS, Layout, reader_options
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
    {"prepared", "variants", "models", "tables", "logs", "benchmarks", "report", "report.html"}
)
Partial = dict[str, Any]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.]*")


def _check_name(name: str, what: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{what} {name!r} may hold letters, digits, '_' and '.' only")
    return name


class DatasetOptions(Closed):
    """Where the raw scans are and how they are laid out (docs/datasets.md); `reader` holds the
    options of the layout's reader, where it has any. `evidence` says of kinds of defect by what
    they can be seen, for the tables by evidence; of the embedded parts that is known."""

    name: str
    layout: Layout = DEFAULT_LAYOUT
    reader: Partial = {}
    root: PathText
    categories: Distinct[str]
    synthetic: SyntheticOptions | None = None
    evidence: dict[str, Evidence] = {}

    @property
    def known_evidence(self) -> dict[str, Evidence]:
        """Kind of defect -> by what it can be seen."""
        return {**(EMBEDDED_EVIDENCE if self.synthetic is not None else {}), **self.evidence}

    @model_validator(mode="after")
    def _made_as_mvtec3d(self) -> "DatasetOptions":
        if self.synthetic is not None and self.layout not in MADE_AS:
            raise ValueError(f"synthetic data are laid out as mvtec3d, not as {self.layout}")
        return self

    @field_validator("reader")
    @classmethod
    def _of_its_layout(cls, reader: Partial, info: ValidationInfo) -> Partial:
        if "layout" in info.data:  # else the layout is what is refused
            reader_options(info.data["layout"], reader)
        return reader

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


class TermsOptions(StageSections):
    """Stage sections that several runs share by naming them (`runs.RUN.terms`).

    `equal`: runs on these terms must agree in every key of `prepare`, `teacher`, `train`, `infer`
    and `evaluate` but in those that their detectors declare their own.
    """

    equal: bool = False


class RunOptions(StageOverrides):
    """A named configuration: a detector, a preset, terms, and what differs from them."""

    detector: str
    preset: str
    terms: str | None = None


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
    terms: dict[str, TermsOptions] = {}
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
