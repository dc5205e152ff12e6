# Paths and records come from the plan; nothing is decided here.
import functools
import shlex
import sys
from pathlib import Path

from dcrdf.config.chain import Job
from dcrdf.config.workflow import (
    make_again,
    plan_of,
    print_warnings,
    wake_only_when_held_back,
)
from dcrdf.results.record import stale_outputs
from dcrdf.results.sources import made_from_other_scans
from dcrdf.results.warnings import prepare_warnings

PLAN = plan_of(config, workflow.configfiles)
FOLDER = PLAN.folder
SOURCES = PLAN.sources
LOGS = FOLDER / "logs"
STALE = functools.cache(lambda: [*stale_outputs(PLAN), *made_from_other_scans(PLAN)])

# The console script of this environment, whether or not it is activated.
# Libraries' own threads would fight over the cores; torch's come from the options.
shell.prefix(
    f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"
    " OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1;"
    " set -euo pipefail; "
)


wildcard_constraints:
    run="|".join(PLAN.config.runs),
    category="|".join(PLAN.config.dataset.categories),
    seed="|".join(map(str, PLAN.config.seeds)),
    digest="[0-9a-f]{8}",


def job_of(wildcards):
    return Job(wildcards.run, wildcards.category, int(wildcards.seed))


def chain_of(wildcards):
    return PLAN.chain(*job_of(wildcards))


def infer_inputs(wildcards):
    """The files that scoring reads. Every result depends on a scoring, so Snakemake comes by here
    before it decides what to run: results of other settings or scans are made again."""
    make_again(workflow, STALE)
    return PLAN.infer_inputs(job_of(wildcards))


def stage_json(name):
    """The record of a stage that runs share, by its digest."""
    return lambda wildcards: PLAN.stage(name, wildcards.digest).to_json()


def train_arguments(wildcards, input):
    """The files of a training as arguments; which there are depends on the detector."""
    names = ("prepared", "variants", "teacher_weights")
    given = ((name, input.get(name)) for name in names)
    return " ".join(
        f"--{name.replace('_', '-')} {shlex.quote(str(path))}"
        for name, path in given
        if path
    )


def texture_argument(wildcards, input):
    """The folder of downloaded textures, where the record asks for them."""
    marker = input.get("textures")
    return f"--textures {shlex.quote(str(Path(marker).parent))}" if marker else ""
