"""A run's layers, from the farthest to the nearest, and how a section is merged from them."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import field_validator

from dcrdf.config.options import PrepareOptions
from dcrdf.config.prepare_presets import PREPARE_PRESETS
from dcrdf.config.schema import CategoryOverrides, Config, StageOverrides, TermsOptions

Layer = Mapping[str, Any]
"""Section name -> the keys that are set there, beside whatever else stands in that place."""


class PartialPrepare(PrepareOptions):
    """`prepare` as a layer may write it: `preset` stands for the keys of a whole preparation."""

    preset: str = "house"

    @field_validator("preset")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in PREPARE_PRESETS:
            raise ValueError(f"no such preparation; allowed: {', '.join(PREPARE_PRESETS)}")
        return name


def layers_of(config: Config, run: str, category: str) -> list[Layer]:
    """What stands above the detector's preset: top level, terms, run, category, both."""
    chosen = config.runs[run]
    terms = TermsOptions() if chosen.terms is None else config.terms[chosen.terms]
    override = config.overrides.get(category, CategoryOverrides())
    within = override.runs.get(run, StageOverrides())
    return [dict(given) for given in (config, terms, chosen, override, within)]


def merged(section: str, layers: Iterable[Layer]) -> dict[str, Any]:
    """The keys of a section: the nearest layer wins, a preset of `prepare` drops what is below."""
    values: dict[str, Any] = {}
    for layer in layers:
        given = dict(layer.get(section, {}))
        if section == "prepare" and "preset" in given:
            values = dict(PREPARE_PRESETS[given.pop("preset")])
        values |= given
    return values
