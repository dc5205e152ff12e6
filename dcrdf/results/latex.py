"""Result tables as LaTeX with booktabs rules."""

from collections.abc import Iterable

import pandas as pd

from dcrdf.results.cells import DAGGER_NOTE, Cell, format_cells, table_rule, table_title
from dcrdf.results.paired_tables import PairedTable, with_deviation
from dcrdf.results.pivot import Table

_HEAD = "% Needs \\usepackage{booktabs}. Values in percent."
_SIGNS = {
    "†": r"$^\dagger$",
    "±": r"$\pm$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
}
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


def latex_document(
    tables: Iterable[Table], paired: Iterable[PairedTable] = (), paired_note: str = ""
) -> str:
    """All tables as floats, ready for \\input."""
    parts = [latex_table(table) for table in tables]
    parts += [latex_paired(table, paired_note) for table in paired]
    return "\n".join([_HEAD, *parts])


def latex_table(table: Table) -> str:
    """One table float: caption with metric, size, mode and rule; best values bold."""
    cells = format_cells(table)
    index = [escape(str(run)) for run in table.value.index]
    columns = [escape(str(name)) for name in table.value.columns]
    text = pd.DataFrame([[_cell_text(cell) for cell in row] for row in cells], index, columns)
    bold = pd.DataFrame(
        [["textbf: --rwrap;" if cell.best else "" for cell in row] for row in cells],
        index,
        columns,
    )
    rendered: str = text.style.apply(lambda _: bold, axis=None).to_latex(
        column_format="l" + "r" * len(columns),
        position="tbp",
        position_float="centering",
        hrules=True,
        caption=_caption(table),
        label=f"tab:{'-'.join(table.key)}",
    )
    return rendered


def latex_paired(table: PairedTable, note: str) -> str:
    """One table float of paired differences, two columns for each reference."""
    columns = ["mean"]
    for reference in table.references:
        columns += [f"minus {reference}", "seeds: ±, same sign"]
    rows = [
        [
            with_deviation(row),
            *(
                text
                for cell in row.cells
                for text in (f"{cell.mark} {cell.difference} {cell.interval}".strip(), cell.seeds)
            ),
        ]
        for row in table.rows
    ]
    text = pd.DataFrame(
        [[_signs(escape(cell)) for cell in row] for row in rows],
        [escape(row.run) for row in table.rows],
    )
    text.columns = pd.Index([_signs(escape(name)) for name in columns])
    rendered: str = text.style.to_latex(
        column_format="l" + "r" * len(columns),
        position="tbp",
        position_float="centering",
        hrules=True,
        caption=_signs(escape(f"{table.title}: paired differences. {note}")),
        label=f"tab:paired-{table.metric}",
    )
    return rendered


def escape(name: str) -> str:
    """`name` with LaTeX's special characters made harmless, on one line."""
    return "".join(_SPECIAL.get(sign, sign) for sign in " ".join(name.split()))


def _caption(table: Table) -> str:
    caption = f"{table_title(table.key)} on {table.key.dataset} ({table_rule(table.key)})."
    if table.incomplete.to_numpy().any():
        caption += f" † {DAGGER_NOTE}."
    return _signs(escape(caption))


def _signs(text: str) -> str:
    """`text` with the tables' own signs as LaTeX has them."""
    return "".join(_SIGNS.get(sign, sign) for sign in text)


def _cell_text(cell: Cell) -> str:
    text = cell.value + ("$^\\dagger$" if cell.incomplete else "")
    return f"{text} $\\pm$ {cell.deviation}" if cell.deviation else text
