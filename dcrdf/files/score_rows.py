"""Judged scans as rows of a CSV file."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

COLUMNS = ("image", "score", "threshold", "verdict", "remark", "threshold_from")
Row = tuple[str, ...]


def row_of(
    image: object,
    score: float | None,
    threshold: float | None,
    verdict: str,
    remark: str,
    threshold_from: str,
) -> Row:
    """A scan's row; without numbers where it could not be scored."""
    return (str(image), _shown(score), _shown(threshold), verdict, remark, threshold_from)


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """A new table."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def append_row(path: Path, row: Row) -> None:
    """One row more."""
    with path.open("a", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerow(row)


def _shown(number: float | None) -> str:
    return "" if number is None else f"{number:.9g}"
