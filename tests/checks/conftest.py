"""A tiny category to check."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dcrdf.checks.check import CheckReport, check_category
from dcrdf.config.options import PrepareOptions


@pytest.fixture
def options() -> PrepareOptions:
    """Small images."""
    return PrepareOptions(image_size=64)


@pytest.fixture
def root(make_scans: Callable[..., Path], tmp_path: Path) -> Path:
    """The folder of a tiny data set with the one category `valve`."""
    return make_scans(tmp_path / "data", ("valve",))


@pytest.fixture
def good(root: Path) -> Path:
    """Its good training scans."""
    return root / "valve" / "train" / "good"


@pytest.fixture
def check(options: PrepareOptions) -> Callable[..., CheckReport]:
    """Checks the category `valve` below a folder, with changed options."""

    def run(root: Path, **changes: object) -> CheckReport:
        return check_category(root, "mvtec3d", "valve", options.model_copy(update=changes))

    return run


@pytest.fixture
def details() -> Callable[..., str]:
    """The details and files of a report's findings of one kind, one a line."""

    def of(report: CheckReport, what: str, severity: str = "warning") -> str:
        return "\n".join(
            f"{finding.detail} {finding.file}"
            for finding in report.findings
            if (finding.severity, finding.what) == (severity, what)
        )

    return of
