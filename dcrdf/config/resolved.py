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

USUAL_COUNT = 100
"""Of training images: how many there are is not known before they are read."""


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

    @property
    def training_effort(self) -> int:
        """How long a training takes beside others, for an order and no more: thousands of pixels
        that it is shown of a category of `USUAL_COUNT` images; 0 where it has no epochs."""
        if "epochs" not in self.info.train_fields:
            return 0
        shown = max(self.train.epochs * USUAL_COUNT, self.train.min_steps * self.train.batch_size)
        twice = 2 if self.needs_variants else 1  # every image has a twin
        return twice * shown * self.prepare.image_size**2 // 1000

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
