"""Metrics of one job: image and pixel level, at the network's and at native size."""

import argparse
from pathlib import Path

from dcrdf.cli.common import add_stage_arguments, stage_of
from dcrdf.config.options import EvaluateOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf evaluate`."""
    add_stage_arguments(parser, by_run=True)
    parser.add_argument("--maps", type=Path, required=True, help="maps.h5 that `dcrdf infer` wrote")
    parser.add_argument("--prepared", type=Path, required=True, help="the prepared HDF5 file")
    parser.add_argument("--dataset", required=True, help="the data set's name, for the table")
    parser.add_argument("--run-name", required=True, help="the run's name, for the table")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")


def run(args: argparse.Namespace) -> None:
    """Write the metrics."""
    from dcrdf.results.evaluation import evaluate_job

    stage = stage_of(args, "evaluate")
    options = EvaluateOptions.parse(dict(stage.options), "evaluate")
    evaluate_job(args.maps, args.prepared, options, stage, args.dataset, args.run_name, args.out)
