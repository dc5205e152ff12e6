"""A part of the results that is text by now: tables of cells under a title, with a long table."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from dcrdf.results.markdown import escape, markdown_table


@dataclass(frozen=True)
class CaptionedRows:
    """One table; the first column is text, and where `is_text` the others, too."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    is_text: bool = False


@dataclass(frozen=True)
class Section:
    """Shown in `tables.md` and on the page; `frame` is `NAME.csv`."""

    name: str
    title: str
    note: str
    tables: Sequence[CaptionedRows]
    frame: pd.DataFrame

    @property
    def markdown(self) -> str:
        """As a section of Markdown."""
        parts = [f"# {self.title}", f"{self.note}."]
        for table in self.tables:
            rows = [
                [*map(escape, row)] if table.is_text else [escape(row[0]), *row[1:]]
                for row in table.rows
            ]
            head = [escape(name) for name in table.head]
            parts += [f"## {escape(table.caption)}", markdown_table(head, rows)]
        return "\n\n".join(parts)
