"""Result tables as LaTeX with booktabs rules."""

from collections.abc import Iterable, Mapping

from dcrdf.results.cells import DAGGER_NOTE, Cell, format_cells, table_rule, table_title
from dcrdf.results.paired_tables import COLUMNS_AFTER, PairedTable, with_deviation
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
    tables: Iterable[Table],
    paired: Iterable[PairedTable] = (),
    paired_note: str = "",
    *,
    labels: Mapping[str, str],
) -> str:
    """All tables as floats, ready for \\input, after the runs' labels as comments."""
    labelled = [f"% {' '.join(f'{run}: {label}'.split())}" for run, label in labels.items()]
    parts = [latex_table(table) for table in tables]
    parts += [latex_paired(table, paired_note) for table in paired]
    return "\n".join([_HEAD, *labelled, *parts])


def latex_table(table: Table) -> str:
    """One table float: caption with metric, size, mode and rule; best values bold."""
    rows = [
        [escape(str(run)), *(_cell_text(cell) for cell in cells)]
        for run, cells in zip(table.value.index, format_cells(table), strict=True)
    ]
    head = ["", *(escape(str(name)) for name in table.value.columns)]
    return _float(_caption(table), "-".join(table.key), [head, *rows])


def latex_paired(table: PairedTable, note: str) -> str:
    """One table float of paired differences, three columns for each reference."""
    columns = ["mean"]
    for reference in table.references:
        columns += [f"minus {reference}", *COLUMNS_AFTER]
    rows = [
        [
            with_deviation(row),
            *(
                text
                for cell in row.cells
                for text in (
                    f"{cell.mark} {cell.difference} {cell.interval}".strip(),
                    cell.seeds,
                    cell.p_holm,
                )
            ),
        ]
        for row in table.rows
    ]
    lines = [[row.run, *cells] for row, cells in zip(table.rows, rows, strict=True)]
    return _float(
        _signs(escape(f"{table.title}: paired differences. {note}")),
        f"paired-{table.metric}",
        [[_signs(escape(cell)) for cell in line] for line in [["", *columns], *lines]],
    )


def _float(caption: str, label: str, rows: list[list[str]]) -> str:
    """A floating table; the first row is the head, the first column text."""
    head, *body = (" & ".join(row) + r" \\" for row in rows)
    lines = [
        r"\begin{table}[tbp]",
        r"\centering",
        f"\\caption{{{caption}}}",
        f"\\label{{tab:{label}}}",
        f"\\begin{{tabular}}{{l{'r' * (len(rows[0]) - 1)}}}",
        *(r"\toprule", head, r"\midrule"),
        *body,
        *(r"\bottomrule", r"\end{tabular}", r"\end{table}"),
    ]
    return "\n".join(lines) + "\n"


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
    text += f" $\\pm$ {cell.deviation}" if cell.deviation else ""
    return f"\\textbf{{{text}}}" if cell.best else text
