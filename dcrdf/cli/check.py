"""Look a data set over: pairing, sizes, units, alignment, duplicates, missing depth, foreground.

Exit code 0: nothing found; 1: warnings; 2: errors that would stop the pipeline.
"""

import argparse
from pathlib import Path

from dcrdf.config.options import PrepareOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf check`."""
    parser.add_argument("root", type=Path, help="the data set's folder")
    parser.add_argument("--layout", default="mvtec3d", choices=["mvtec3d", "folder", "eyecandies"])
    parser.add_argument("--category", action="append", help="default: every folder below ROOT")


def run(args: argparse.Namespace) -> int:
    """Print the findings of every category."""
    from dcrdf.errors import UserError
    from dcrdf.preparation.check import check_category

    if not args.root.is_dir():
        raise UserError(f"{args.root}: no such folder")
    found = sorted(path.name for path in args.root.iterdir() if path.is_dir())
    worst = 0
    for category in args.category or found:
        report = check_category(args.root, args.layout, category, PrepareOptions())
        print(report.to_text())
        worst = max(worst, report.exit_code)
    return worst
