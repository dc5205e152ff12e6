"""Metrics of one job on resampled test images, from which runs are compared in pairs."""

import argparse
from pathlib import Path

from dcrdf.cli.common import add_stage_arguments, stage_of
from dcrdf.config.options import CompareOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf resample`."""
    add_stage_arguments(parser, by_run=True)
    parser.add_argument("--maps", type=Path, required=True, help="maps.h5 that `dcrdf infer` wrote")
    parser.add_argument("--prepared", type=Path, required=True, help="the prepared HDF5 file")
    parser.add_argument("--out", type=Path, required=True, help="the HDF5 file to write")


def run(args: argparse.Namespace) -> None:
    """Write the resampled metrics."""
    from dcrdf.results.resamples import resample_job

    stage = stage_of(args, "resample")
    options = CompareOptions.parse(dict(stage.options), "compare")
    resample_job(args.maps, args.prepared, options, stage, args.out)
