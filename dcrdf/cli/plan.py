"""Print the jobs of a configuration: whose preparation they have, whether they are as published,
where their outputs lie and the records of their stages.

Refuses what the workflow would refuse before it starts.
"""

import argparse
import json
from pathlib import Path

from dcrdf.cli.common import load_plan
from dcrdf.config.labels import preparation_label


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf plan`."""
    parser.add_argument("config", type=Path, help="the configuration file")


def run(args: argparse.Namespace) -> None:
    """One JSON line per job."""
    plan = load_plan(args.config)
    plan.check()
    for job, chain in plan.chains.items():
        stages = (
            chain.prepare,
            chain.pseudo,
            chain.train,
            chain.infer,
            chain.evaluate,
            chain.resample,
            chain.robustness,
        )
        records = {stage.name: stage.to_dict() for stage in stages if stage is not None}
        told = {
            **job._asdict(),
            "preparation": preparation_label(chain.resolved.prepare),
            "label": plan.labels[job.run],
            "model": str(plan.model_folder(job)),
            "results": str(plan.run_folder(job)),
        }
        print(json.dumps({**told, "stages": records}))
