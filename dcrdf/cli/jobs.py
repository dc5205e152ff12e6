"""The jobs that an aggregate or report record lists, and where their files lie."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcrdf.cli.common import load_plan
from dcrdf.config.stages import Stage
from dcrdf.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from dcrdf.results.paired import Pairing
    from dcrdf.results.section import Section


@dataclass(frozen=True)
class JobFiles:
    """One job of the record, below the results folder of its data set."""

    run: str
    category: str
    seed: int
    prepare: str
    train: str
    evaluate: str
    results: Path
    resample: str = ""
    robustness: str = ""
    """Empty, as above, where the job does not ask for it."""

    @property
    def folder(self) -> Path:
        """The job's own results."""
        return self.results / self.run / self.category / f"seed{self.seed}"

    @property
    def metrics(self) -> Path:
        """Its metrics."""
        return self.folder / "metrics.json"

    @property
    def resamples(self) -> Path:
        """Its metrics on resampled test images."""
        return self.folder / "resamples.h5"

    @property
    def robustness_file(self) -> Path:
        """Its scores on degraded scans, where it asks for them."""
        return self.folder / "robustness.json"

    @property
    def prepared(self) -> Path:
        """The prepared data it was scored on."""
        return self.results / "prepared" / f"{self.category}-{self.prepare}.h5"

    @property
    def model(self) -> Path:
        """The trained detector's folder."""
        return self.results / "models" / f"{self.category}-seed{self.seed}-{self.train}"


def add_jobs_arguments(parser: argparse.ArgumentParser) -> None:
    """Which jobs: a record, or all jobs of a configuration."""
    parser.add_argument("--stage", metavar="JSON", help="the stage's record")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="all jobs of this configuration"
    )
    parser.add_argument(
        "--results", type=Path, help="the data set's results (default, with --config: its own)"
    )


def jobs_of(args: argparse.Namespace, name: str) -> tuple[Stage, list[JobFiles]]:
    """The record and its jobs."""
    if (args.stage is None) == (args.config is None):
        raise UserError("give either --stage JSON with --results FOLDER, or --config FILE")
    results = args.results
    if args.config is not None:
        plan = load_plan(args.config)
        stage: Stage = getattr(plan, name)
        results = results or plan.folder
    else:
        stage = Stage.from_json(args.stage, name)
    if results is None:
        raise UserError("--results: give the data set's results folder")
    jobs = stage.options["jobs"]
    if not isinstance(jobs, list):
        raise UserError("--stage: not a record of jobs; see `dcrdf plan`")
    return stage, [_job(values, results) for values in jobs]


def _job(values: Mapping[str, Any], results: Path) -> JobFiles:
    try:
        return JobFiles(**values, results=results)
    except TypeError:
        raise UserError("--stage: not a record of jobs; see `dcrdf plan`") from None


def in_order(values: Iterable[str]) -> list[str]:
    """Each value once, in the order of first appearance."""
    return list(dict.fromkeys(values))


def expected_digests(jobs: Iterable[JobFiles]) -> dict[str, str]:
    """Metrics file -> the digest of the record it must carry."""
    return {str(job.metrics): job.evaluate for job in jobs}


def labels_of(stage: Stage, runs: Sequence[str]) -> dict[str, str]:
    """Run -> whether it is as published, from the record, in the order of `runs`."""
    given = stage.options["labels"]
    if not isinstance(given, dict) or not all(isinstance(given.get(run), str) for run in runs):
        raise UserError("--stage: not a record of labels; see `dcrdf plan`")
    return {run: given[run] for run in runs}


def pairing_of(stage: Stage, jobs: Sequence[JobFiles]) -> "Pairing | None":
    """The jobs' runs against the record's reference runs; None where it names none."""
    if "compare" not in stage.options:
        return None
    from dcrdf.config.options import CompareOptions
    from dcrdf.results.paired import JobName, pair_runs
    from dcrdf.results.resamples import read_resamples

    options = CompareOptions.parse(stage.options["compare"], "compare")
    samples = {
        JobName(job.run, job.category, job.seed): read_resamples(job.resamples, job.resample)
        for job in jobs
    }
    return pair_runs(samples, options)


def evidence_of(stage: Stage) -> dict[str, str]:
    """Kind of defect -> by what it can be seen, from the record; empty where nothing is known."""
    groups = ("colour", "shape", "both")
    given = stage.options.get("evidence", {})
    if not isinstance(given, dict) or not all(group in groups for group in given.values()):
        raise UserError("--stage: not a record of evidence; see `dcrdf plan`")
    return given


def answer_of(stage: Stage, pairing: "Pairing | None") -> "Section | None":
    """What the comparison says in short; None where there is none."""
    from dcrdf.results.answer import answer_section

    terms = stage.options.get("equal_terms", {})
    if not isinstance(terms, dict) or not all(isinstance(name, str) for name in terms.values()):
        raise UserError("--stage: not a record of equal terms; see `dcrdf plan`")
    return answer_section(pairing, terms) if pairing else None


def sections_of(
    stage: Stage, jobs: Sequence[JobFiles], rows: "pd.DataFrame", runs: Sequence[str]
) -> "list[Section]":
    """The parts of tables and page beside the metrics' own tables: by evidence, and cost."""
    from dcrdf.results.costs import CostFiles, costs_section
    from dcrdf.results.evidence import evidence_section
    from dcrdf.results.rows import read_metrics

    records = [(job, read_metrics(job.metrics).stage.model_dump()) for job in jobs]
    files = [
        CostFiles(
            job.run, job.category, job.seed, job.folder, one.get("upstream", {}).get("infer", "")
        )
        for job, one in records
    ]
    found = [evidence_section(rows, evidence_of(stage), runs), costs_section(files, runs)]
    return [section for section in found if section is not None]


def expected_robustness(jobs: Iterable[JobFiles]) -> dict[Path, str]:
    """Robustness file -> the digest of the record it must carry, for the jobs that have one."""
    return {job.robustness_file: job.robustness for job in jobs if job.robustness}
