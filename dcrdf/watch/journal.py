"""What was judged, one JSON line a scan, on disk before the next scan is looked at.

A line that a kill cut short is taken away when the journal is opened. Beside it the same as rows of
a table, made anew from the lines where a kill came between the two. Full journals are put aside as
`scores.DAY.NUMBER.jsonl`.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcrdf.errors import UserError
from dcrdf.files.atomic import replacing
from dcrdf.files.score_rows import COLUMNS, Row, append_row, row_of, write_rows

JOURNAL, TABLE = "scores.jsonl", "scores.csv"
TABLE_COLUMNS = (*COLUMNS, "at", "latency_ms")
Line = dict[str, Any]
_ASIDE = re.compile(r"scores\.(\d{4}-\d\d-\d\d)\.(\d+)\.jsonl")
_NEEDED = {"image", "name", "verdict", "remark", "score", "threshold", "files", "at"}


@dataclass(frozen=True)
class Rotation:
    """When a journal is put aside: with every new day, from a number of bytes on, or never."""

    daily: bool = False
    max_bytes: int | None = None


class Journal:
    """The lines of one folder, of which this process is the only writer."""

    def __init__(self, folder: Path, rotation: Rotation = Rotation()) -> None:
        """Open and repair; `UserError` for a folder with another command's table and for a journal
        that is damaged elsewhere than at its end."""
        self._folder, self._rotation = folder, rotation
        self._path, self._table = folder / JOURNAL, folder / TABLE
        if self._table.exists() and not self._path.exists() and not _aside_in(folder):
            raise UserError(f"{self._table}: of `dcrdf predict`; give another folder with --out")
        _repair(self._path)
        self._day = ""
        for path in (*_aside_in(folder), self._path):
            self._complete_table(path)

    def lines(self) -> Iterator[Line]:
        """All lines, the oldest first."""
        for path in (*_aside_in(self._folder), self._path):
            yield from _lines_of(path)

    def append(self, line: Line) -> None:
        """Put a line on disk, then its row into the table. `UserError` when that fails."""
        try:
            self._rotate(line["at"][:10])
            is_new = not self._path.exists()
            with self._path.open("ab") as file:
                file.write(json.dumps(line, allow_nan=False).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            if is_new:
                _sync_folder(self._folder)
                write_rows(self._table, TABLE_COLUMNS, [])
            self._day = self._day or line["at"][:10]
            append_row(self._table, _row(line))
        except OSError as error:
            raise UserError(f"{self._path}: cannot write: {error.strerror or error}") from None

    def _rotate(self, day: str) -> None:
        if not self._path.exists():
            self._day = ""
            return
        if not self._day:
            self._day = next((line["at"][:10] for line in _lines_of(self._path)), day)
        is_full = self._rotation.max_bytes is not None and (
            self._path.stat().st_size >= self._rotation.max_bytes
        )
        if not is_full and not (self._rotation.daily and day != self._day):
            return
        taken = [path.name.split(".") for path in _aside_in(self._folder)]
        number = 1 + max((int(name[2]) for name in taken if name[1] == self._day), default=0)
        aside = self._folder / f"scores.{self._day}.{number}.jsonl"
        self._path.rename(aside)
        self._table.replace(aside.with_suffix(".csv"))
        self._day = ""

    def _complete_table(self, path: Path) -> None:
        """A table with all lines of a journal, where there is another or none."""
        table = path.with_suffix(".csv")
        if not path.exists() or (path != self._path and table.exists()):
            return
        with replacing(table) as temporary:
            write_rows(temporary, TABLE_COLUMNS, map(_row, _lines_of(path)))


def _row(line: Line) -> Row:
    numbers = line["score"], line["threshold"]
    origin = line.get("threshold_from", "")
    row = row_of(line["image"], *numbers, line["verdict"], line["remark"], origin)
    return (*row, line["at"], str(line.get("latency_ms", "")))


def _aside_in(folder: Path) -> list[Path]:
    """Journals that were put aside, the oldest first."""
    found = [(_ASIDE.fullmatch(path.name), path) for path in folder.glob("scores.*.jsonl")]
    dated = [(match[1], int(match[2]), path) for match, path in found if match]
    return [path for *_, path in sorted(dated)]


def _repair(path: Path) -> None:
    """Take a last line away that is cut short or, after a power cut, none."""
    try:
        with path.open("r+b") as file:
            content = file.read()
            end = content.rfind(b"\n") + 1
            start = content.rfind(b"\n", 0, max(end - 1, 0)) + 1
            if end and _parsed(content[start:end]) is None:
                end = start
            if end < len(content):
                file.truncate(end)
                os.fsync(file.fileno())
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"{path}: cannot repair: {error.strerror or error}") from None


def _lines_of(path: Path) -> Iterator[Line]:
    if not path.exists():
        return
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, 1):
                line = _parsed(text)
                if line is None:
                    raise UserError(
                        f"{path}: line {number} is damaged; remove it, or give another folder"
                        " with --out"
                    )
                yield line
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror or error}") from None


def _parsed(text: bytes) -> Line | None:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) and line.keys() >= _NEEDED else None


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
