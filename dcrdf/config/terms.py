"""Equal terms, tested: where runs that name the same binding terms differ all the same."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from dcrdf.config.resolved import Resolved, value_text
from dcrdf.config.schema import Config
from dcrdf.errors import UserError

BOUND_SECTIONS = ("prepare", "teacher", "train", "infer", "evaluate")


class TermsDifference(NamedTuple):
    """A key in which a run differs from most others of its terms, and may not."""

    terms: str
    run: str
    category: str
    key: str
    value: Any
    others: Any

    def __str__(self) -> str:
        ours, theirs = value_text(self.value), value_text(self.others)
        return f"run {self.run}: {self.key} {ours}, others {theirs}"


def terms_differences(
    config: Config, resolved: Mapping[tuple[str, str], Resolved]
) -> list[TermsDifference]:
    """All that `equal: true` forbids, of the `resolved` options by run and category.

    A key counts for the runs whose detectors read it and do not declare it their own.
    """
    return [
        found
        for terms, section in config.terms.items()
        if section.equal
        for category in config.dataset.categories
        for found in _differences(
            terms,
            category,
            {
                run: resolved[run, category]
                for run, chosen in config.runs.items()
                if chosen.terms == terms
            },
        )
    ]


def check_terms(config: Config, resolved: Mapping[tuple[str, str], Resolved]) -> None:
    """Refuse runs on equal terms that are not (`UserError`)."""
    for first in terms_differences(config, resolved):
        raise UserError(
            f"config: terms.{first.terms}: {first} (on {first.category}); with equal: true they"
            " must agree"
        )


def _differences(
    terms: str, category: str, runs: Mapping[str, Resolved]
) -> Iterator[TermsDifference]:
    bound: dict[str, dict[str, Any]] = {}
    for run, one in runs.items():
        for key in one.keys_read(BOUND_SECTIONS):
            if key not in one.info.own_terms:
                bound.setdefault(key, {})[run] = one.value(key)
    for key, values in bound.items():
        ((usual, _),) = Counter(values.values()).most_common(1)
        for run, value in values.items():
            if value != usual:
                yield TermsDifference(terms, run, category, key, value, usual)
