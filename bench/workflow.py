"""The workflow's own cost: start of a command, planning a large experiment, saying "nothing to do",
Snakemake's process beside a long job, and where a demo's time goes.

`python -m bench.workflow` prints the tables and writes bench/workflow.md. Wall-clock and CPU
seconds of whole processes, the medians of several calls. What needs a finished `make demo` is left
out, and said to be, where there is none.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import yaml

from bench.figures import NOT_MEASURED, keep
from bench.page import machine_line, table
from bench.scheduler import GRID_JOBS, WAITING_JOBS, scheduler_table, share_of_a_core

ROOT = Path(__file__).parents[1]
OUTPUT = Path(__file__).with_suffix(".md")
BIN = Path(sys.executable).parent
REPEATS = 5
SNAKEMAKE_REPEATS = 3
DEMO = "workflow/demo.yaml"
AGGREGATE = "dcrdf aggregate (6 jobs)"
PLAN_LARGE = "snakemake -n, 10 categories x 3 seeds x 6 runs"
FINISHED = "finished demo: nothing to be done"
BESIDE_LONG_JOB = "Snakemake beside a long job, 120 jobs finished"


class Seconds(NamedTuple):
    """Median wall-clock and CPU time of a command."""

    wall: float
    cpu: float


Times = dict[str, Seconds | None]


def seconds(command: list[str], repeats: int) -> Seconds:
    """The times of a command that must succeed."""
    taken = []
    for _ in range(repeats):
        cpu, started = children_cpu_s(), time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        taken.append((time.perf_counter() - started, children_cpu_s() - cpu))
    return Seconds(*(statistics.median(times) for times in zip(*taken, strict=True)))


def children_cpu_s() -> float:
    """User and system time of all processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def demo_is_finished() -> bool:
    """Whether `make demo` has nothing left to do here."""
    command = [str(BIN / "snakemake"), "--cores", "2", "--configfile", DEMO, "-n"]
    said = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    return said.returncode == 0 and "Nothing to be done" in said.stdout + said.stderr


def start_up(finished: bool) -> Times:
    """Commands that a user waits for although they compute next to nothing."""
    dcrdf = str(BIN / "dcrdf")
    commands = {
        "dcrdf --help": [dcrdf, "--help"],
        "dcrdf train --help": [dcrdf, "train", "--help"],
        "dcrdf plan config.yaml": [dcrdf, "plan", "config.yaml"],
        AGGREGATE: [dcrdf, "aggregate", "--config", DEMO],
        "dcrdf report (6 jobs)": [dcrdf, "report", "--config", DEMO],
        "import torch": [sys.executable, "-c", "import torch"],
    }
    return {
        name: seconds(command, REPEATS) if finished or DEMO not in command else None
        for name, command in commands.items()
    }


def planning(finished: bool) -> Times:
    """Dry runs, and a finished workflow."""
    snakemake = [str(BIN / "snakemake"), "--cores", "2"]
    values = yaml.safe_load((ROOT / "config.yaml").read_text())
    values["seeds"] = [0, 1, 2]
    plain = values["runs"]["dual_rd"]
    fusions = ("avg", "max", "rgb", "depth")
    values["runs"] |= {fusion: {**plain, "infer": {"fusion": fusion}} for fusion in fusions}
    with tempfile.TemporaryDirectory() as folder:
        grid = Path(folder) / "grid.yaml"
        grid.write_text(yaml.safe_dump(values))
        commands = {
            "snakemake -n, config.yaml (86 jobs)": [*snakemake, "-n", "--quiet", "all"],
            PLAN_LARGE: [
                *snakemake, "-n", "--quiet", "all", "--configfile", str(grid),
            ],
            FINISHED: [*snakemake, "--configfile", DEMO],
        }  # fmt: skip
        return {
            name: seconds(command, SNAKEMAKE_REPEATS) if finished or DEMO not in command else None
            for name, command in commands.items()
        }


def demo_profile() -> list[tuple[str, float]]:
    """Seconds by rule of a finished demo, from the benchmark files of its jobs."""
    totals: dict[str, float] = defaultdict(float)
    for path in sorted((ROOT / "results" / "demo" / "benchmarks").glob("*.tsv")):
        rule = path.name.split("-")[0].removesuffix(".tsv")
        totals[rule] += float(path.read_text().splitlines()[1].split("\t")[0])
    return sorted(totals.items(), key=lambda item: -item[1])


def figures(rows: Times) -> dict[str, float]:
    """What `bench.figures` asks for, as far as it was measured."""
    names = {
        "dcrdf --help": "dcrdf --help",
        "dcrdf aggregate, 6 jobs": AGGREGATE,
        PLAN_LARGE: PLAN_LARGE,
        "finished workflow says so": FINISHED,
    }
    found = {what: one.wall for what, name in names.items() if (one := rows[name])}
    if aggregate := rows[AGGREGATE]:
        found["dcrdf aggregate, 6 jobs, CPU"] = aggregate.cpu
    return found


def times_table(head: str, rows: Times) -> str:
    """A Markdown table of names and both times."""
    lines = []
    for name, one in rows.items():
        cells = (NOT_MEASURED, "") if one is None else (f"{one.wall:.2f}", f"{one.cpu:.2f}")
        lines.append((name, *cells))
    return table((head, "s", "CPU s"), lines, "|---|---:|---:|")


def profile_table(rows: list[tuple[str, float]]) -> str:
    """A Markdown table of rules and seconds."""
    lines = [(name, f"{value:.2f}") for name, value in rows]
    return table(("rule", "s"), lines, "|---|---:|")


def main() -> None:
    """Run all parts, print and keep the tables."""
    finished = demo_is_finished()
    if not finished:
        print("results/demo: no finished demo, so what needs one is not measured; run `make demo`")
    starting, plans = start_up(finished), planning(finished)
    shares = {cured: share_of_a_core(cured) for cured in (True, False)}
    keep("workflow", {**figures(starting | plans), BESIDE_LONG_JOB: shares[True]})
    parts = [
        "# The workflow's own cost: measured",
        f"Made by `python -m bench.workflow`; wall-clock and CPU seconds. {machine_line()}.",
        "## Starting a command",
        times_table("command", starting),
        "## Planning",
        times_table("call", plans),
        "## Waiting for a long job",
        f"Snakemake's own process while one job runs: {GRID_JOBS} finished, {WAITING_JOBS} wait.",
        scheduler_table(shares),
        "## Where the demo's time goes",
        "Seconds in all jobs of a rule; two jobs run at a time.",
        profile_table(demo_profile()) if finished else f"{NOT_MEASURED.capitalize()}.",
    ]
    text = "\n\n".join(parts) + "\n"
    print(text)
    OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
