"""From `metrics.json` files to one tidy table: a row per number."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import Field

from dcrdf.errors import UserError
from dcrdf.results.checked import Checked, Name, Score, Sha256, StageRecord, read_checked
from dcrdf.results.names import Branch, Mode, Size

COLUMNS = (
    "dataset",
    "run",
    "category",
    "seed",
    "branch",
    "metric",
    "size",
    "mode",
    "defect",
    "value",
    "low",
    "high",
)
KEY = list(COLUMNS[:9])


class Value(Checked):
    """One number; `None` where the metric is undefined or no interval was computed."""

    branch: Branch
    metric: Name
    size: Size
    mode: Mode
    defect: Name
    value: Score | None
    low: Score | None = None
    high: Score | None = None


class Counts(Checked):
    """Test images by label."""

    good: Annotated[int, Field(ge=0)]
    defect: Annotated[int, Field(ge=0)]


class Metrics(Checked):
    """The contents of a `metrics.json`."""

    stage: StageRecord
    dataset: Name
    run: Name
    category: Name
    seed: int
    maps_sha256: Sha256
    """Of the maps.h5 that was evaluated."""
    counts: Counts
    values: list[Value]
    skipped: list[Any] = []

    @property
    def digest(self) -> str:
        """That of its stage record."""
        return self.stage.digest


def skipped_notes(read: Iterable[Metrics]) -> list[str]:
    """A sentence for every result that lacks images, because their files were bad."""
    return [
        f"{len(one.skipped)} images of {one.category} were left out of run “{one.run}”,"
        f" seed {one.seed}, because their files were bad."
        for one in read
        if one.skipped
    ]


@dataclass(frozen=True)
class _Read:
    path: Path
    metrics: Metrics


def read_metrics(path: Path) -> Metrics:
    """Read and check one `metrics.json`; raise `UserError` naming the file and the bad field."""
    return read_checked(Metrics, path, "dcrdf evaluate")


def collect(files: Sequence[Path], expected: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read `files` into one tidy table with the columns `COLUMNS`, undefined values as NaN.

    `expected` maps a file (as a string) to the digest its stage record must have. Raises
    `UserError` for a file of other settings, of another stage version, or with a number that
    another file has already given.
    """
    if not files:
        raise UserError("metrics: no metrics.json given; evaluate at least one run first")
    read = [_Read(path, read_metrics(path)) for path in files]
    if expected is not None:
        _check_digests(read, {str(path): digest for path, digest in expected.items()})
    _check_versions(read)
    rows = pd.DataFrame([row for one in read for row in _rows(one.metrics)], columns=list(COLUMNS))
    rows = rows.astype({"seed": "int64", "value": float, "low": float, "high": float})
    _check_unique(rows, read)
    return rows


def _rows(metrics: Metrics) -> list[dict[str, Any]]:
    head = metrics.model_dump(include={"dataset", "run", "category", "seed"})
    return [head | value.model_dump() for value in metrics.values]


def _check_digests(read: Sequence[_Read], expected: Mapping[str, str]) -> None:
    for one in read:
        if str(one.path) not in expected:
            raise UserError(
                f"{one.path}: belongs to no run of this configuration;"
                " remove it or add its run, category and seed"
            )
        if one.metrics.digest != expected[str(one.path)]:
            raise UserError(f"{one.path}: was made with other settings; run the workflow again")


def _check_versions(read: Sequence[_Read]) -> None:
    first = read[0]
    for one in read[1:]:
        ours = (one.metrics.stage.stage, one.metrics.stage.version)
        theirs = (first.metrics.stage.stage, first.metrics.stage.version)
        if ours != theirs:
            raise UserError(
                f"{one.path}: made by {ours[0]} version {ours[1]}, but {first.path} by"
                f" {theirs[0]} version {theirs[1]}; run the workflow again"
            )


def _check_unique(rows: pd.DataFrame, read: Sequence[_Read]) -> None:
    repeated = rows.duplicated(KEY)
    if not repeated.any():
        return
    at = int(repeated.to_numpy().argmax())
    for one in read:
        if at < len(one.metrics.values):
            break
        at -= len(one.metrics.values)
    value = one.metrics.values[at]
    raise UserError(
        f"{one.path}: {value.metric} of {value.branch} ({value.size}, {value.mode},"
        f" {value.defect}) for {one.metrics.run}, {one.metrics.category}, seed"
        f" {one.metrics.seed} is given twice; keep one result for each"
    )
