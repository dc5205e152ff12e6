"""Collect the metrics of all jobs into tables: CSV, Markdown, LaTeX.

Refuses metrics that were made with other settings than the record says, and runs of one category
that were made from different scans.
"""

import argparse
from datetime import UTC, datetime

from dcrdf.cli.jobs import (
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
    """Arguments of `dcrdf aggregate`."""
    add_jobs_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Write RESULTS/tables."""
    from dcrdf.results.manifest import ResultFiles, provenance, write_manifest
    from dcrdf.results.rows import collect, read_metrics, skipped_notes
    from dcrdf.results.same_scans import check_same_scans
    from dcrdf.results.tables import write_tables

    started = datetime.now(UTC)
    stage, jobs = jobs_of(args, "aggregate")
    runs, categories = in_order(job.run for job in jobs), in_order(job.category for job in jobs)
    labels = labels_of(stage, runs)
    rows = collect([job.metrics for job in jobs], expected_digests(jobs))
    folder = jobs[0].results / "tables"
    files = [ResultFiles(job.metrics, job.folder / "model" / "detector.json") for job in jobs]
    check_same_scans((one.metrics, one.description) for one in files)
    record = {"stage": stage.to_dict(), **provenance(files)}
    notes = skipped_notes(read_metrics(job.metrics) for job in jobs)
    sections = sections_of(stage, jobs, rows, runs)
    pairing = pairing_of(stage, jobs)
    write_tables(
        rows, folder, runs, categories, pairing, notes, labels, sections, answer_of(stage, pairing)
    )
    robustness = expected_robustness(jobs)
    if robustness:
        from dcrdf.results.robustness import collect_robustness
        from dcrdf.results.robustness_tables import robustness_tables, write_robustness_tables

        degraded = collect_robustness(robustness)
        tables = robustness_tables(degraded, runs, categories)
        write_robustness_tables(degraded, tables, folder)
    write_manifest(folder / "manifest.json", record, files, started, datetime.now(UTC))
    print(f"{folder}: tables of {len(jobs)} jobs")
