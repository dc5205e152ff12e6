"""Raw scans of a category -> one HDF5 file: height over the background plane, holes filled,
normalised with constants of the training split, resized."""

import argparse
from pathlib import Path

from dcrdf.cli.common import add_processes_argument, add_stage_arguments, stage_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf prepare`."""
    add_stage_arguments(parser, by_run=True)
    parser.add_argument("--root", type=Path, required=True, help="the data set's folder")
    parser.add_argument("--out", type=Path, required=True, help="the HDF5 file to write")
    add_processes_argument(parser)


def run(args: argparse.Namespace) -> None:
    """Write the prepared file and print what was found."""
    from dcrdf.datasets.layouts import left_out, list_samples
    from dcrdf.datasets.units import points_unit
    from dcrdf.datasets.unread import WITHOUT_SCANS
    from dcrdf.preparation.inputs import prepare_options
    from dcrdf.preparation.prepare import prepare_category

    stage = stage_of(args, "prepare")
    options = prepare_options(stage.options)
    reader = stage.options.get("reader", {})
    samples = list_samples(args.root, stage.options["layout"], stage.options["category"], reader)
    for path, why in left_out(args.root, stage.options["layout"], stage.options["category"]):
        if why != WITHOUT_SCANS:
            print(f"{stage.options['category']}: warning: {path}: {why}")
    if "unit" in reader:  # people would like to know what `auto` came to
        print(f"points: {points_unit(samples)}")
    summary = prepare_category(
        samples, options, args.out, stage.to_json(), args.processes, stage.options["keep_xyz"]
    )
    for line in summary.lines():
        print(line)
