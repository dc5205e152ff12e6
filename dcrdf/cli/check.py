"""Look a data set over: pairing, sizes, units, alignment, duplicates, missing depth, foreground.

Exit code 0: nothing found; 1: warnings; 2: errors that would stop the pipeline.
"""

import argparse
from pathlib import Path

from dcrdf.cli.common import add_layout_arguments, add_processes_argument, reader_of
from dcrdf.config.options import PrepareOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf check`."""
    parser.add_argument("root", type=Path, help="the data set's folder")
    add_layout_arguments(parser)
    parser.add_argument("--category", action="append", help="default: every folder below ROOT")
    add_processes_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Print the findings of every category."""
    from dcrdf.checks.check import check_category
    from dcrdf.datasets.layouts import list_categories

    reader = reader_of(args)
    worst = 0
    for category in args.category or list_categories(args.root):
        report = check_category(
            args.root, args.layout, category, PrepareOptions(), args.processes, reader
        )
        print(report.to_text())
        worst = max(worst, report.exit_code)
    return worst
