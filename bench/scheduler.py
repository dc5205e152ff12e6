"""What Snakemake's own process costs while one long job runs and others wait for its place, as
trainings do: a grid of trivial jobs is finished, then the process's CPU time is read. With
`dcrdf.config.workflow.wake_only_when_held_back` and without; see there for what it cures.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from bench.page import table

ROOT = Path(__file__).parents[1]
GRID_JOBS = 120
WAITING_JOBS = 20
SETTLE_S = 5.0
WATCHED_S = 30.0
PATIENCE_S = 600.0
SNAKEFILE = """\
import sys
sys.path.insert(0, {root!r})
from dcrdf.config.workflow import wake_only_when_held_back

onstart:
    wake_only_when_held_back(workflow) if {cured} else None

rule all:
    input:
        "long",
        expand("grid/{{n}}", n=range({jobs})),
        expand("waiting/{{n}}", n=range({waiting})),

rule long:
    output: "long"
    priority: 2
    resources: gpu=1
    shell: "until [ -e stop ]; do sleep 0.5; done; touch {{output}}"

rule trivial:
    output: "grid/{{n}}"
    priority: 1
    shell: "touch {{output}}"

rule waiting:
    output: "waiting/{{n}}"
    resources: gpu=1
    shell: "touch {{output}}"
"""
"""The long job comes first and holds the one `gpu`; the grid goes by on the other core."""


def share_of_a_core(cured: bool, jobs: int = GRID_JOBS, watched_s: float = WATCHED_S) -> float:
    """Percent of a core that Snakemake's process takes beside one long job, after `jobs` others.

    Raises:
        RuntimeError: Snakemake failed, or the grid was not finished in `PATIENCE_S`.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = SNAKEFILE.format(root=str(ROOT), cured=cured, jobs=jobs, waiting=WAITING_JOBS)
        (folder / "Snakefile").write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--cores", "2", "--resources", "gpu=1"]
        with (folder / "log").open("wb") as log:
            snakemake = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            _wait_for(snakemake, folder / "grid", jobs)
            time.sleep(SETTLE_S)
            share = _cpu_percent(snakemake.pid, watched_s)
        finally:
            (folder / "stop").touch()
            code = snakemake.wait(PATIENCE_S)
        if code:
            raise RuntimeError((folder / "log").read_text(encoding="utf-8"))
    return share


def scheduler_table(shares: dict[bool, float]) -> str:
    """A Markdown table of the shares with the cure (True) and without (False)."""
    rows = [
        ("`wake_only_when_held_back`" if cured else "as Snakemake is", f"{shares[cured]:.1f}")
        for cured in (True, False)
    ]
    return table(("scheduler", "% of a core"), rows, "|---|---:|")


def _wait_for(snakemake: subprocess.Popen[bytes], grid: Path, jobs: int) -> None:
    """Until all jobs of the grid have written their files."""
    until = time.monotonic() + PATIENCE_S
    while snakemake.poll() is None and time.monotonic() < until:
        if grid.is_dir() and len(list(grid.iterdir())) == jobs:
            return
        time.sleep(0.5)
    raise RuntimeError(f"{jobs} trivial jobs were not finished in {PATIENCE_S:g} s")


def _cpu_percent(pid: int, watched_s: float) -> float:
    """CPU time of a process, without its children's, in percent of the time that went by."""
    process = psutil.Process(pid)
    started, before = time.monotonic(), process.cpu_times()
    time.sleep(watched_s)
    after, ended = process.cpu_times(), time.monotonic()
    used = max(after.user - before.user, 0.0) + max(after.system - before.system, 0.0)
    return 100.0 * used / (ended - started)
