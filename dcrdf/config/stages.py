"""A stage's record: everything its output depends on, as canonical JSON.

The workflow hands the record to Snakemake as a parameter (so a changed option reruns exactly what
depends on it), the step writes it into its output, and `aggregate` compares the two.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from dcrdf.errors import UserError

STAGE_VERSIONS: Mapping[str, int] = {
    "download": 1,
    "synthesize": 1,
    "prepare": 3,
    "pseudo": 1,
    "train": 9,
    "infer": 14,
    "evaluate": 3,
    "resample": 1,
    "robustness": 4,
    "aggregate": 7,
    "report": 7,
}
"""Bumped by hand when a stage's code changes what it writes."""


class _Entries(dict[str, Any]):
    """What a record from outside holds; an entry that it lacks is the user's business."""

    def __missing__(self, key: str) -> Any:
        raise UserError(f"--stage: the record lacks {key!r}; see `dcrdf plan`")


@dataclass(frozen=True)
class Stage:
    """One step of the pipeline with its options and the digests of the stages above it."""

    name: str
    options: Mapping[str, Any]
    upstream: Mapping[str, str] = field(default_factory=dict)
    version: int = 0

    def __post_init__(self) -> None:
        if not self.version:
            object.__setattr__(self, "version", STAGE_VERSIONS[self.name])

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return {
            "stage": self.name,
            "version": self.version,
            "options": dict(self.options),
            "upstream": dict(self.upstream),
        }

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces, floats in their shortest form."""
        return canonical_json(self.to_dict())

    @property
    def digest(self) -> str:
        """The first eight hexadecimal digits of the record's SHA-256."""
        return digest_of_record(self.to_dict())

    @classmethod
    def from_json(cls, text: str, expected_name: str) -> Self:
        """Parse a record; raise `UserError` when it is not one of stage `expected_name`."""
        try:
            record = json.loads(text)
            name, version = record["stage"], record["version"]
            options, upstream = _Entries(record["options"]), _Entries(record["upstream"])
            json.dumps(record, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, KeyError, TypeError, RecursionError):
            raise UserError("--stage: not a stage record; see `dcrdf plan`") from None
        if name != expected_name:
            raise UserError(f"--stage: a record of {name!r} given to {expected_name!r}")
        if not isinstance(version, int):
            raise UserError(f"--stage: {version!r} is no version; see `dcrdf plan`")
        return cls(name, options, upstream, version)


def digests_of(**stages: Stage | None) -> dict[str, str]:
    """Stage name -> digest, of those that there are."""
    return {name: stage.digest for name, stage in stages.items() if stage is not None}


def canonical_json(value: Any) -> str:
    """`value` as JSON with sorted keys and no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_of_record(record: Mapping[str, Any]) -> str:
    """The digest of a stage record as read back from an output."""
    return hashlib.sha256(canonical_json(record).encode()).hexdigest()[:8]
