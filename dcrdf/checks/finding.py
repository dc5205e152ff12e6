"""A line of what `check` reports."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

SHOWN = 5
"""Of findings of one kind, and of samples that one finding names."""


class Finding(NamedTuple):
    """One line of the report."""

    severity: Literal["ok", "warning", "error"]
    what: str
    detail: str
    file: Path | None = None


def shortened(findings: Iterable[Finding]) -> list[Finding]:
    """The first few findings; one that counts the others takes the next one's place."""
    found = list(findings)
    if len(found) <= SHOWN:
        return found
    return [*found[:SHOWN], found[SHOWN]._replace(detail=f"{len(found) - SHOWN} more", file=None)]
