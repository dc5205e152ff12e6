"""The door through which the Snakefile enters: configuration -> plan, errors in one line; and what
must be made again, whatever Snakemake remembers."""

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from dcrdf.config.plan import Plan
from dcrdf.config.resolve import parse_config
from dcrdf.config.yaml_file import read_yaml
from dcrdf.errors import UserError

YAML_SUFFIXES = (".yaml", ".yml")


def plan_of(values: Mapping[str, Any], files: Iterable[str | Path] = ()) -> Plan:
    """The validated plan of Snakemake's `config`; ends the program with code 2 when it is wrong.

    `files` are those that Snakemake read it from: of a key that is there twice it takes the last.
    """
    try:
        for path in map(Path, files):
            if path.suffix in YAML_SUFFIXES and path.is_file():
                read_yaml(path)
        plan = Plan(parse_config(dict(values)))
        plan.check()
    except UserError as error:
        print(f"dcrdf: error: {error}", file=sys.stderr)
        sys.exit(2)
    return plan


def make_again(workflow: Any, outputs: Callable[[], Iterable[Path]]) -> None:
    """Have Snakemake's `workflow` make these outputs again where a call comes by them.

    To be called while Snakemake asks for inputs, before it decides what to run: then its option
    `--forcerun` has been read, which would add targets, and a Snakefile can only add to the same
    set. Processes that Snakemake starts for single jobs do what they are told.
    """
    if workflow.is_main_process:
        workflow.dag.forcefiles.update(map(str, outputs()))


def print_warnings(lines: Iterable[str]) -> None:
    """Show what users should look at, on the terminal, when all is done."""
    for line in lines:
        print(f"dcrdf: warning: {line}", file=sys.stderr, flush=True)


def wake_only_when_held_back(workflow: Any) -> None:
    """Have Snakemake look again at its jobs only where its rate limit holds some back.

    Its scheduler (9.27.1) starts a timer after every look, which causes another look: as many
    chains of timers as jobs have finished, each looking at all jobs once a second, for ever. A
    finished job wakes it anyway. To be called when the scheduler is there, before it starts.
    """
    scheduler = workflow.scheduler
    limiter, look_later = scheduler.job_rate_limiter, scheduler._schedule_reevalutation

    def wake(delay_s: int) -> None:
        if limiter.get_free_jobs() == 0:
            look_later(delay_s)

    scheduler._schedule_reevalutation = wake
