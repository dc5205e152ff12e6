"""The workflow's own cost: start of a command, planning a large experiment, saying "nothing to do",
and where a demo's time goes.

`python -m bench.workflow` prints the tables and writes bench/workflow.md. Wall-clock seconds
of whole processes, the median of several calls. The demo's part needs a finished `make demo`.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
OUTPUT = Path(__file__).with_suffix(".md")
BIN = Path(sys.executable).parent
REPEATS = 5
SNAKEMAKE_REPEATS = 3


def seconds(command: list[str], repeats: int) -> float:
    """Median wall-clock time of a command that must succeed."""
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def start_up() -> list[tuple[str, float]]:
    """Commands that a user waits for although they compute next to nothing."""
    dcrdf = str(BIN / "dcrdf")
    commands = {
        "dcrdf --help": [dcrdf, "--help"],
        "dcrdf train --help": [dcrdf, "train", "--help"],
        "dcrdf plan config.yaml": [dcrdf, "plan", "config.yaml"],
        "dcrdf aggregate (6 jobs)": [dcrdf, "aggregate", "--config", "workflow/demo.yaml"],
        "dcrdf report (6 jobs)": [dcrdf, "report", "--config", "workflow/demo.yaml"],
        "import torch": [sys.executable, "-c", "import torch"],
    }
    return [(name, seconds(command, REPEATS)) for name, command in commands.items()]


def planning() -> list[tuple[str, float]]:
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
        demo = ["--configfile", "workflow/demo.yaml"]
        commands = {
            "snakemake -n, config.yaml (86 jobs)": [*snakemake, "-n", "--quiet", "all"],
            "snakemake -n, 10 categories x 3 seeds x 6 runs": [
                *snakemake, "-n", "--quiet", "all", "--configfile", str(grid),
            ],
            "finished demo: nothing to be done": [*snakemake, *demo],
        }  # fmt: skip
        return [(name, seconds(command, SNAKEMAKE_REPEATS)) for name, command in commands.items()]


def demo_profile() -> list[tuple[str, float]]:
    """Seconds by rule of a finished demo, from the benchmark files of its jobs."""
    totals: dict[str, float] = defaultdict(float)
    for path in sorted((ROOT / "results" / "demo" / "benchmarks").glob("*.tsv")):
        rule = path.name.split("-")[0].removesuffix(".tsv")
        totals[rule] += float(path.read_text().splitlines()[1].split("\t")[0])
    return sorted(totals.items(), key=lambda item: -item[1])


def table(head: tuple[str, str], rows: list[tuple[str, float]]) -> str:
    """A Markdown table of names and seconds."""
    lines = [f"| {head[0]} | {head[1]} |", "|---|---:|"]
    return "\n".join(lines + [f"| {name} | {value:.2f} |" for name, value in rows])


def main() -> None:
    """Run all parts, print and keep the tables."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    parts = [
        "# The workflow's own cost: measured",
        f"Made by `python -m bench.workflow` after `make demo`; wall-clock seconds. {machine}.",
        "## Starting a command",
        table(("command", "s"), start_up()),
        "## Planning",
        table(("call", "s"), planning()),
        "## Where the demo's time goes",
        "Seconds in all jobs of a rule; two jobs run at a time.",
        table(("rule", "s"), demo_profile()),
    ]
    text = "\n\n".join(parts) + "\n"
    print(text)
    OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
