"""What is in a category, before hours are spent on it: a table of findings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from dcrdf.checks.content import (
    duplicates_rule,
    formats_rule,
    masks_rule,
    remarks_rule,
    samples_rule,
)
from dcrdf.checks.depth import bowl_rule, far_points_rule, heights_rule, missing_rule, units_rule
from dcrdf.checks.facts import SampleFacts, look_at
from dcrdf.checks.finding import Finding
from dcrdf.checks.frame import frame_rule
from dcrdf.checks.geometry import alignment_rule, mode_rule
from dcrdf.checks.pairs import depth_rule, pairs_rule
from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.layouts import left_out, list_samples
from dcrdf.errors import UserError
from dcrdf.workers import Workers

Rule = Callable[[Sequence[SampleFacts], PrepareOptions], list[Finding]]
RULES: tuple[Rule, ...] = (
    samples_rule,
    formats_rule,
    units_rule,
    missing_rule,
    far_points_rule,
    heights_rule,
    bowl_rule,
    mode_rule,
    alignment_rule,
    pairs_rule,
    depth_rule,
    duplicates_rule,
    masks_rule,
    remarks_rule,
)
"""In the order of the report."""
SHOWN_ERRORS = 20
_EXIT_CODES: dict[str, Literal[0, 1, 2]] = {"ok": 0, "warning": 1, "error": 2}


@dataclass(frozen=True)
class CheckReport:
    """The findings about a category, as they came up."""

    category: str
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """0: nothing found, 1: warnings, 2: errors that would stop the pipeline."""
        return max((_EXIT_CODES[finding.severity] for finding in self.findings), default=0)

    def to_text(self) -> str:
        """A table, one line per finding."""
        width = max((len(finding.what) for finding in self.findings), default=0)
        lines = [
            f"{finding.severity:8}{finding.what:{width + 2}}{' '.join(finding.detail.split())}"
            + (f" ({finding.file!s})" if finding.file else "")
            for finding in self.findings
        ]
        return "\n".join([self.category, *lines])


def check_category(
    root: Path,
    layout: str,
    category: str,
    options: PrepareOptions,
    processes: int = 1,
    reader: Mapping[str, Any] = MappingProxyType({}),
) -> CheckReport:
    """Read every file of a category and report what is there and what is odd.

    `reader` holds the options of the layout's reader (`dataset.reader`). Problems become findings;
    nothing is raised for them.
    """
    try:
        samples = list_samples(root, layout, category, reader)
        unread = left_out(root, layout, category)
    except UserError as error:
        return CheckReport(category, (Finding("error", "layout", str(error)),))
    with Workers(processes) as workers:
        looks = list(workers.map(partial(look_at, options=options), samples))
        seen = [look for look in looks if isinstance(look, SampleFacts)]
        frame, frame_findings = frame_rule(seen, options, category)
        if frame != "camera":
            again = partial(look_at, options=options, frame=frame)
            looks = list(workers.map(again, samples))
            seen = [look for look in looks if isinstance(look, SampleFacts)]
    findings = [Finding("warning", "left out", why, path) for path, why in unread]
    findings += _errors(list(dict.fromkeys(look for look in looks if isinstance(look, str))))
    findings += frame_findings
    for rule in RULES if seen else ():
        findings += rule(seen, options)
    return CheckReport(category, tuple(findings))


def _errors(messages: Sequence[str]) -> list[Finding]:
    findings = [Finding("error", "file", message) for message in messages[:SHOWN_ERRORS]]
    if len(messages) > SHOWN_ERRORS:
        more = f"{len(messages) - SHOWN_ERRORS} more files cannot be used"
        findings.append(Finding("error", "file", more))
    return findings
