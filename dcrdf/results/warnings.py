"""What `prepare` warned of, for those who do not read its log."""

from collections.abc import Iterable
from pathlib import Path

from dcrdf.preparation.store import open_prepared


def prepare_warnings(files: Iterable[Path]) -> list[str]:
    """The warnings in prepared files, a line each that names the category; files that are not there
    say nothing. `UserError` for a damaged one."""
    lines = []
    for path in dict.fromkeys(files):
        if path.is_file():
            with open_prepared(path) as prepared:
                warnings = prepared.summary.get("warnings", [])
                lines += [f"{prepared.category}: {' '.join(str(x).split())}" for x in warnings]
    return list(dict.fromkeys(lines))
