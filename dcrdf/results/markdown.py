"""Result tables as Markdown."""

from collections.abc import Iterable, Mapping, Sequence

from dcrdf.results.cells import (
    DAGGER_NOTE,
    DEVIATION_NOTE,
    Cell,
    format_cells,
    table_rule,
    table_title,
)
from dcrdf.results.names import LABELS_NOTE
from dcrdf.results.pivot import Table


def markdown_document(
    dataset: str,
    tables: Iterable[Table],
    *appendices: str,
    labels: Mapping[str, str],
    opening: str = "",
) -> str:
    """All tables of one data set with titles and footnotes, after the `opening` and the runs'
    `labels`, then the `appendices` with text."""
    head = f"# Results on {escape(dataset)}\n\nValues in percent. {DEVIATION_NOTE}"
    lines = [f"- {escape(run)}: {escape(label)}" for run, label in labels.items()]
    labelled = f"{LABELS_NOTE}.\n\n" + "\n".join(lines) if lines else ""
    sections = [markdown_section(table) for table in tables]
    return "\n\n".join(filter(None, [opening, head, labelled, *sections, *appendices])) + "\n"


def markdown_section(table: Table) -> str:
    """One table under its title, with a footnote where a mean is incomplete."""
    rows = [
        [escape(str(run)), *(_cell_text(cell) for cell in cells)]
        for run, cells in zip(table.value.index, format_cells(table), strict=True)
    ]
    head = ["run", *(escape(str(name)) for name in table.value.columns)]
    rule = table_rule(table.key)
    parts = [
        f"## {table_title(table.key)}",
        f"{rule[0].upper()}{rule[1:]}.",
        markdown_table(head, rows),
    ]
    if table.incomplete.to_numpy().any():
        parts.append(f"† {DAGGER_NOTE}.")
    return "\n\n".join(parts)


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are numbers."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def escape(name: str) -> str:
    """`name` with Markdown's special characters made harmless, on one line."""
    text = " ".join(name.split())
    for special in "\\`*_[]<>|&":
        text = text.replace(special, f"\\{special}")
    return text


def _cell_text(cell: Cell) -> str:
    text = f"**{cell.value}**" if cell.best else cell.value
    text += "†" if cell.incomplete else ""
    return f"{text} ± {cell.deviation}" if cell.deviation else text
