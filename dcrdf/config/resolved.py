"""All options of one run on one category, and which of them its detector reads."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dcrdf.config.detectors import DetectorInfo, DetectorOptions
from dcrdf.config.options import (
    EvaluateOptions,
    InferOptions,
    PrepareOptions,
    PseudoOptions,
    RobustnessOptions,
    TeacherOptions,
    TrainOptions,
)


@dataclass(frozen=True)
class Resolved:
    """All options of one run on one category, all layers merged."""

    detector: str
    preset: str
    info: DetectorInfo
    options: DetectorOptions
    prepare: PrepareOptions
    pseudo: PseudoOptions
    teacher: TeacherOptions
    train: TrainOptions
    infer: InferOptions
    evaluate: EvaluateOptions
    robustness: RobustnessOptions

    @property
    def needs_variants(self) -> bool:
        """Whether training reads the pseudo-anomaly cache."""
        return "variants" in self.options.needs()

    def keys_read(self, sections: Iterable[str]) -> list[str]:
        """`SECTION.KEY` of all in these sections that the detector reads with these options."""
        used = self.info.train_fields - self.train.idle
        return [
            f"{section}.{key}"
            for section in sections
            if section != "pseudo" or self.needs_variants
            for key in type(getattr(self, section)).model_fields
            if section != "train" or key in used
        ]

    def value(self, key: str) -> Any:
        """The value of `SECTION.KEY`."""
        section, _, name = key.partition(".")
        return getattr(getattr(self, section), name)


def value_text(value: Any) -> str:
    """A value as a configuration file would have it."""
    return value if isinstance(value, str) else json.dumps(value)
