"""The HTML page: tables, curves, heat maps, misses and false alarms, in one file; and one for each
category to explore."""

import argparse
from collections.abc import Sequence
from typing import Any

from dcrdf.cli.jobs import (
    JobFiles,
    add_jobs_arguments,
    answer_of,
    expected_digests,
    expected_robustness,
    in_order,
    jobs_of,
    labels_of,
    pairing_of,
    sections_of,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf report`."""
    add_jobs_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Write RESULTS/report.html and RESULTS/report/CATEGORY.html."""
    from dcrdf.preparation.store import open_prepared
    from dcrdf.report.context import ReportContext, RunFiles
    from dcrdf.report.page import build_report
    from dcrdf.results.robustness import collect_robustness
    from dcrdf.results.robustness_tables import robustness_tables
    from dcrdf.results.rows import collect
    from dcrdf.results.warnings import prepare_warnings

    stage, jobs = jobs_of(args, "report")
    results = jobs[0].results
    runs, categories = in_order(job.run for job in jobs), in_order(job.category for job in jobs)
    robustness = expected_robustness(jobs)
    rows = collect([job.metrics for job in jobs], expected_digests(jobs))
    pairing = pairing_of(stage, jobs)
    build_report(
        ReportContext(
            out=results / "report.html",
            title=stage.options["title"],
            record=stage.digest,
            rows=rows,
            sections=sections_of(stage, jobs, rows, runs),
            runs=[
                RunFiles(
                    job.run,
                    job.category,
                    job.seed,
                    job.folder / "maps.h5",
                    job.metrics,
                    job.prepared,
                    job.model / "losses.csv",
                )
                for job in jobs
            ],
            open_prepared=open_prepared,
            examples=stage.options["examples"],
            order_of_runs=runs,
            order_of_categories=categories,
            labels=labels_of(stage, runs),
            robustness=robustness_tables(collect_robustness(robustness), runs, categories)
            if robustness
            else [],
            settings=_settings(jobs),
            pairing=pairing,
            answer=answer_of(stage, pairing),
            notes=[
                f"When preparing, {line}."
                for line in prepare_warnings(job.prepared for job in jobs)
            ],
            folders={
                name: results / name
                for name in ("prepared", "variants", "models", "tables", *runs)
                if (results / name).is_dir()
            },
        )
    )
    print(f"{results / 'report.html'}: written")


def _settings(jobs: Sequence[JobFiles]) -> dict[tuple[str, str], dict[str, Any]]:
    """(run, category) -> the options that its detector was made and used with."""
    from dcrdf.results.rows import read_metrics
    from dcrdf.results.run_folder import job_settings

    settings = {}
    for job in jobs:
        found = job_settings(job.folder / "model" / "detector.json", read_metrics(job.metrics))
        sections = {name: options for name, options in found.items() if isinstance(options, dict)}
        settings[job.run, job.category] = sections
    return settings
