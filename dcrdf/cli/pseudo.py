"""Cache pseudo-anomalies of a category's training samples."""

import argparse
from pathlib import Path

from dcrdf.cli.common import add_processes_argument, add_stage_arguments, stage_of
from dcrdf.config.options import PseudoOptions
from dcrdf.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf pseudo`."""
    add_stage_arguments(parser, by_run=True)
    parser.add_argument("--prepared", type=Path, required=True, help="the prepared HDF5 file")
    parser.add_argument("--out", type=Path, required=True, help="the HDF5 file to write")
    parser.add_argument("--textures", type=Path, help="folder of the textures, for textures: dtd")
    add_processes_argument(parser)


def run(args: argparse.Namespace) -> None:
    """Write the cache."""
    from dcrdf.anomalies.cache import write_variants
    from dcrdf.preparation.store import open_prepared

    stage = stage_of(args, "pseudo")
    options = PseudoOptions.parse(dict(stage.options), "pseudo")
    if options.textures == "dtd":
        if args.textures is None:
            raise UserError("--textures: the record asks for dtd; give the folder it lies in")
        options = options.model_copy(update={"textures": str(args.textures)})
    with open_prepared(args.prepared) as prepared:
        prepared.require_record(stage.upstream["prepare"])
    write_variants(args.prepared, options, args.out, stage.to_json(), args.processes)
