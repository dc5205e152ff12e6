"""Score test scans that were made worse: depth with holes, noise or absent, colour over-exposed,
blurred or absent. Writes the metrics of every branch and the fused map.

Without --stage and --config the options are --layout, --reader, --degradation and --noise-seed.
"""

import argparse
from pathlib import Path
from typing import Any, get_args

from dcrdf.cli.common import (
    add_device_argument,
    add_layout_arguments,
    add_stage_arguments,
    reader_of,
    stage_of,
)
from dcrdf.cli.device import claim_gpu
from dcrdf.config.layouts import PLACE_KEYS, place_record
from dcrdf.config.options import Degradation, RobustnessOptions
from dcrdf.config.stages import Stage, digest_of_record
from dcrdf.errors import UserError, about

DEGRADATIONS = get_args(Degradation)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf robustness`."""
    parser.add_argument("job", type=Path, help="folder that `dcrdf infer` wrote")
    parser.add_argument("--root", type=Path, required=True, help="the data set's folder")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    add_stage_arguments(parser, by_run=True)
    add_layout_arguments(parser)
    parser.add_argument(
        "--degradation", action="append", choices=DEGRADATIONS, help="may be repeated; default: all"
    )
    parser.add_argument("--noise-seed", type=int, default=0, metavar="N", help="default 0")
    parser.add_argument("--dataset", help="the data set's name, for the table (default: by folder)")
    parser.add_argument("--run-name", help="the run's name, for the table (default: by folder)")
    add_device_argument(parser)


def run(args: argparse.Namespace) -> None:
    """Score, write, and print the table."""
    from dcrdf.files.jsonfile import read_json

    if not (args.job / "model").is_dir() and args.job.name == "model":
        args.job = args.job.parent
    description = read_json(args.job / "model" / "detector.json")
    stage = _stage(args, description)
    if digest_of_record(description["infer"]) != stage.upstream["infer"]:
        raise UserError(f"{args.job}: scored with other settings; run `dcrdf infer` again")
    options = RobustnessOptions.parse(
        {key: value for key, value in stage.options.items() if key not in PLACE_KEYS}, "robustness"
    )
    claim_gpu(args.device)

    from dcrdf.config.given_normals import hidden_degradations
    from dcrdf.datasets.layouts import list_samples
    from dcrdf.models.model import Model
    from dcrdf.results.maps import open_maps
    from dcrdf.results.robustness import INTACT, degraded_values, write_robustness
    from dcrdf.robustness.scored import score_degraded
    from dcrdf.tensors.device import make_repeatable

    model = Model(args.job / "model", args.device)
    for hidden in hidden_degradations(model.options, options.degradations):
        raise UserError(
            f"{args.job}: {hidden} changes points, which its given normals do not show; name others"
            " with --degradation"
        )
    make_repeatable(0, model.scorer.options.cpu_threads, with_gradients=False)
    reader = stage.options.get("reader", {})
    samples = list_samples(args.root, stage.options["layout"], description["category"], reader)
    test = [sample for sample in samples if sample.split == "test"]
    with open_maps(args.job / "maps.h5") as maps:
        scored_before = set(zip(maps.defects, maps.names, strict=True))
    if not scored_before <= {(sample.defect, sample.name) for sample in test}:
        raise UserError(f"{args.root}: lacks test scans of {args.job}; give the root of its data")
    values: list[dict[str, Any]] = []
    for degradation in (None, *options.degradations):
        with about(degradation or INTACT):
            scored = score_degraded(model, test, degradation, options.seed)
        values += degraded_values(degradation or INTACT, **vars(scored))
        print(f"{degradation or INTACT}: scored", flush=True)
    folders = args.job.resolve().parts
    identity = {
        "dataset": args.dataset or (folders[-4] if len(folders) > 4 else "own"),
        "run": args.run_name or (folders[-3] if len(folders) > 3 else "own"),
        "category": description["category"],
        "seed": description["stage"]["options"]["seed"],
        "fusion": model.scorer.options.fusion,
    }
    write_robustness(args.out, stage, identity, values)
    _print_table(args.out)


def _stage(args: argparse.Namespace, description: Any) -> Stage:
    if not isinstance(description, dict) or "infer" not in description:
        raise UserError(f"{args.job}: not a folder that `dcrdf infer` wrote")
    if args.stage is not None or args.config is not None:
        return stage_of(args, "robustness")
    options = {
        **place_record(description["category"], args.layout, reader_of(args)),
        "degradations": args.degradation or list(DEGRADATIONS),
        "seed": args.noise_seed,
    }
    return Stage("robustness", options, {"infer": digest_of_record(description["infer"])})


def _print_table(path: Path) -> None:
    from dcrdf.results.markdown import markdown_table
    from dcrdf.results.robustness import collect_robustness, read_robustness
    from dcrdf.results.robustness_tables import HEAD, NOTE, robustness_tables

    rows = collect_robustness({path: read_robustness(path).stage.digest})
    for table in robustness_tables(rows):
        print(f"{table.title}\n{markdown_table(HEAD, table.rows)}\n{NOTE}.")
