"""Runs are compared on the same scans: what went into their preparations must agree."""

from collections.abc import Iterable
from pathlib import Path

from dcrdf.errors import UserError
from dcrdf.results.rows import Metrics, read_metrics
from dcrdf.results.run_folder import job_settings


def check_same_scans(jobs: Iterable[tuple[Path, Path]]) -> None:
    """Refuse jobs of one category whose models come from other scans (`UserError`).

    `jobs` are pairs of a `metrics.json` and its model's `detector.json`; of a model that has been
    removed nothing is known. Scans that one preparation had to leave out count: the others must
    have left out the same.
    """
    first: dict[str, tuple[Metrics, str]] = {}
    for path, description in jobs:
        if not description.is_file():
            continue
        metrics = read_metrics(path)
        digest = job_settings(description, metrics).get("data")
        if digest is None:
            continue
        other, known = first.setdefault(metrics.category, (metrics, digest))
        if digest != known:
            raise UserError(
                f"{path}: run {metrics.run!r} was made from other scans of {metrics.category} than"
                f" {other.run!r}, so they do not compare; run the workflow again, and see"
                " `dcrdf check` where a preparation leaves scans out"
            )
