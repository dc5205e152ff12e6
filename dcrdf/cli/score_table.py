"""The table of one call of `predict`, and what earlier calls left where it is to be written."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dcrdf.errors import UserError
from dcrdf.files.atomic import replacing
from dcrdf.files.score_rows import COLUMNS, Row, append_row, row_of, write_rows
from dcrdf.judging.verdict import Verdict
from dcrdf.modalities import NOT_JUDGED

TABLE = "scores.csv"
GALLERY = "gallery.html"
"""The page over a call's scans."""
UNFINISHED = "scores.csv.unfinished"
"""The table of a call that runs, or that was killed: every heat map in the folder is named here."""


class ScoreTable:
    """Rows of a call as they come; `finish` makes them the table. A call that scores nothing leaves
    nothing."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self.rows: list[Row] = []

    def add_unusable(self, file: Path, reason: str) -> None:
        """A scan that could not be scored."""
        self._add(row_of(file, None, None, NOT_JUDGED, reason, ""))

    def add(self, file: Path, verdict: Verdict) -> None:
        """A scan that was scored. Comes before its heat map is written."""
        numbers = verdict.score, verdict.threshold
        self._add(row_of(file, *numbers, verdict.word, verdict.remark, verdict.threshold_from))

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        if not self.scored:
            return
        path = self._out / UNFINISHED
        try:
            if not path.exists():
                write_rows(path, COLUMNS, self.rows)
                return
            append_row(path, row)
        except OSError as error:
            raise UserError(f"{path}: cannot write: {error.strerror or error}") from None

    @property
    def scored(self) -> int:
        """How many scans were scored."""
        return sum(bool(row[1]) for row in self.rows)

    @property
    def not_judged(self) -> int:
        """How many scans were scored and yet not judged."""
        return sum(bool(row[1]) and row[3] == NOT_JUDGED for row in self.rows)

    @contextmanager
    def finished(self) -> Iterator[None]:
        """What was scored in the body is kept also when the body fails."""
        try:
            yield
        finally:
            if self.scored:
                with replacing(self._out / TABLE) as temporary:
                    write_rows(temporary, COLUMNS, self.rows)
                (self._out / UNFINISHED).unlink(missing_ok=True)


def heat_map_of(out: Path, file: Path) -> Path:
    """Where a scan's heat map goes."""
    return out / f"{file.stem}_heat.png"


def earlier(out: Path, *, overwrite: bool) -> list[Path]:
    """Earlier calls' tables and pages and the heat maps of their scans, which would pass for this
    call's; `UserError` unless they may go."""
    tables = [out / name for name in (TABLE, UNFINISHED) if (out / name).exists()]
    if tables and not overwrite:
        what = "of an earlier call" if tables[0].name == TABLE else "of a call that was broken off"
        raise UserError(
            f"{tables[0]}: {what}; give another folder with --out,"
            " or --overwrite to replace it and its heat maps"
        )
    names = [Path(name) for table in tables for name in _images_of(table)]
    pages = [out / GALLERY] if tables else []
    return [*tables, *pages, *(heat_map_of(out, name) for name in names if name.stem)]


def _images_of(table: Path) -> list[str]:
    try:
        with table.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            return [row.get("image") or "" for row in csv.DictReader(file)]
    except csv.Error as error:
        raise UserError(f"{table}: not a table of scores: {error}") from None
