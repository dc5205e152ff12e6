"""Arguments that several subcommands share."""

import argparse
import json
import os
from pathlib import Path
from typing import Any

from dcrdf.config.chain import Chain
from dcrdf.config.layouts import DEFAULT_LAYOUT, LAYOUTS, reader_options
from dcrdf.config.plan import Plan
from dcrdf.config.resolve import parse_config
from dcrdf.config.stages import Stage
from dcrdf.config.yaml_file import read_yaml
from dcrdf.errors import UserError


def add_stage_arguments(parser: argparse.ArgumentParser, *, by_run: bool) -> None:
    """Where a step's options come from: a record (the workflow's way) or a configuration."""
    parser.add_argument(
        "--stage", metavar="JSON", help="the stage's record, as `dcrdf plan` prints"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="take options from this file")
    parser.add_argument("--category", help="the category, with --config")
    if by_run:
        parser.add_argument("--run", help="the run, with --config (default: the first)")
        parser.add_argument("--seed", type=int, help="the seed, with --config (default: the first)")


def stage_of(args: argparse.Namespace, name: str) -> Stage:
    """The stage's record from --stage, or from --config with --category (--run, --seed)."""
    if (args.stage is None) == (args.config is None):
        raise UserError("give either --stage JSON or --config FILE with --category")
    if args.stage is not None:
        return Stage.from_json(args.stage, name)
    stage: Stage | None = getattr(chain_of(args), name)
    if stage is None:
        raise UserError(f"{args.config}: this run has no stage {name!r}")
    return stage


def chain_of(args: argparse.Namespace) -> Chain:
    """The job that --config, --category, --run and --seed name."""
    plan = load_plan(args.config)
    if args.category is None:
        raise UserError("--category is missing")
    run = getattr(args, "run", None) or next(iter(plan.config.runs))
    seed = getattr(args, "seed", None)
    return plan.chain(run, args.category, plan.config.seeds[0] if seed is None else seed)


def load_plan(path: Path) -> Plan:
    """Read and validate a configuration file."""
    return Plan(parse_config(read_yaml(path)))


def add_layout_arguments(parser: argparse.ArgumentParser) -> None:
    """How raw scans are laid out, where no configuration says so."""
    named = [f"{name} (default)" if name == DEFAULT_LAYOUT else name for name in LAYOUTS]
    parser.add_argument("--layout", default=DEFAULT_LAYOUT, metavar="NAME", help=", ".join(named))
    parser.add_argument(
        "--reader",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option of the layout's reader, as in dataset.reader; may be repeated",
    )


def reader_of(args: argparse.Namespace) -> dict[str, Any]:
    """The options of the layout's reader from --reader; `UserError` for a bad one or layout."""
    if args.layout not in LAYOUTS:
        raise UserError(f"--layout: no layout {args.layout!r}; allowed: {', '.join(LAYOUTS)}")
    values: dict[str, Any] = {}
    for text in args.reader:
        key, is_there, value = text.partition("=")
        if not is_there or key in values:
            raise UserError(f"--reader: {text!r}: give KEY=VALUE, and each key once")
        try:
            values[key] = json.loads(value)
        except (ValueError, RecursionError):
            values[key] = value
    reader_options(args.layout, values)
    return values


def add_processes_argument(parser: argparse.ArgumentParser) -> None:
    """How many samples are worked on at once; the result does not depend on it."""
    parser.add_argument(
        "--processes", type=_positive, default=1, metavar="N", help="worker processes (default: 1)"
    )


def add_device_argument(parser: argparse.ArgumentParser) -> None:
    """Where torch computes."""
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:N")


def add_force_argument(parser: argparse.ArgumentParser) -> None:
    """Consent to lose what other settings made."""
    parser.add_argument(
        "--force", action="store_true", help="replace what was made with other settings"
    )


def refuse_other_settings(path: Path, found: Any, wanted: Any, *, force: bool) -> None:
    """Refuse to replace `path`, made with `found`, when that differs from `wanted` (`UserError`).

    The workflow never meets this: Snakemake removes a step's outputs before it runs the step.
    """
    if found != wanted and not force:
        raise UserError(
            f"{path}: made with other settings, and would be lost;"
            " choose another place, or give --force to replace it"
        )


def _positive(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 4 * (os.cpu_count() or 1) + 64:
        raise argparse.ArgumentTypeError("a number of processes from 1 up")
    return value
