"""Make a category of the embedded data set in MVTec 3D-AD's layout."""

import argparse
from pathlib import Path

from dcrdf.cli.common import (
    add_force_argument,
    add_processes_argument,
    refuse_other_settings,
)
from dcrdf.config.options import SyntheticOptions
from dcrdf.config.stages import Stage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf synthesize`."""
    parser.add_argument(
        "root", type=Path, help="folder of the data set; the category goes below it"
    )
    parser.add_argument("category", help="which part to make")
    parser.add_argument("--stage", metavar="JSON", help="the stage's record instead of the numbers")
    for name, field in SyntheticOptions.model_fields.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=int, default=field.default, metavar="N",
            help=f"default {field.default}",
        )  # fmt: skip
    add_force_argument(parser)
    add_processes_argument(parser)


def run(args: argparse.Namespace) -> None:
    """Write the category's folder."""
    from dcrdf.config.sources import SYNTHETIC_MARKER
    from dcrdf.datasets.synthetic import synthesize
    from dcrdf.datasets.synthetic.generate import marker_of
    from dcrdf.files.jsonfile import read_json

    values = {name: getattr(args, name) for name in SyntheticOptions.model_fields}
    if args.stage is not None:
        given = Stage.from_json(args.stage, "synthesize").options
        values = {name: given[name] for name in values}
    options = SyntheticOptions.parse(values, "synthesize")
    folder = args.root / args.category
    if (folder / SYNTHETIC_MARKER).is_file():
        found = read_json(folder / SYNTHETIC_MARKER)
        refuse_other_settings(folder, found, marker_of(args.category, options), force=args.force)
    synthesize(args.root, args.category, options, args.processes)
    print(f"{folder}: made")
