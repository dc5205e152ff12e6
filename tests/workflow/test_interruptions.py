"""Whatever kills a step or Snakemake, and whenever: the same call again ends with the same bits."""

import hashlib
import itertools
import json
import os
import random
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("whole workflow")]

RESULTS, JOB = "results/tiny", "results/tiny/net/cracker/seed0"
OUTPUTS = {
    "synthesize": ["data/tiny/cracker/.dcrdf-synthetic.json"],
    "prepare": [f"{RESULTS}/prepared/*.h5"],
    "pseudo": [f"{RESULTS}/variants/*.h5"],
    "train": [f"{RESULTS}/models/*/{name}" for name in ("detector.json", "weights.safetensors")],
    "infer": [f"{JOB}/maps.h5", f"{JOB}/model/detector.json", f"{JOB}/model/weights.safetensors"],
    "evaluate": [f"{JOB}/metrics.json"],
    "aggregate": [f"{RESULTS}/tables/tidy.csv"],
    "report": [f"{RESULTS}/report.html", f"{RESULTS}/report/cracker.html"],
}
"""Step -> what is asked of Snakemake; globs, as names hold digests."""
FOLDERS = {"synthesize": "data/tiny", "train": f"{RESULTS}/models", "infer": JOB,
           "aggregate": f"{RESULTS}/tables"}  # fmt: skip
"""What else goes before a step is made anew."""
PASSING = {"logs", "benchmarks", "tensorboard"}
SIGNALS = (signal.SIGTERM, signal.SIGKILL, signal.SIGINT)
VICTIMS = ("step", "snakemake", "both")
CASES = list(itertools.product(OUTPUTS, SIGNALS, VICTIMS))


def repeating(path):
    """A file's content without the memory and time that a training or a scoring took."""
    if path.name in ("cost.json", "costs.csv"):
        return b""
    if path.name != "detector.json":
        return path.read_bytes()
    return json.dumps(json.loads(path.read_text()) | {"trained_on": None}).encode()


def digests(folder):
    """File -> SHA-256 of all data and results that repeat: the manifest holds times."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(repeating(path)).hexdigest()
        for top in ("data", "results")
        for path in (folder / top).rglob("*")
        if path.is_file() and not PASSING & set(path.parts) and path.name != "manifest.json"
    }


def is_unfinished(name):
    """States, and what is written aside: neither is taken for an output by anybody."""
    own = Path(name).name
    is_aside = ".part" in own or ".part/" in name or own.startswith(".tmp")
    return name.endswith("/state.safetensors") or is_aside


def remove_outputs(workflow, step):
    """Remove a step's outputs; returns their names."""
    paths = [
        path.relative_to(workflow.folder)
        for pattern in OUTPUTS[step]
        for path in workflow.folder.glob(pattern)
    ]
    assert len(paths) == len(OUTPUTS[step])
    for path in paths:
        (workflow.folder / path).unlink()
    if step in FOLDERS and step != "infer":
        shutil.rmtree(workflow.folder / FOLDERS[step])
    return [str(path) for path in paths]


def wait_for(found, process, seconds=120.0):
    """What `found` returns once it is true, or its last answer when the process has ended."""
    end = time.monotonic() + seconds
    while not (value := found()) and process.poll() is None:
        assert time.monotonic() < end, "the step does not start"
        time.sleep(0.005)
    return value


def send(number, victim, process, step_process):
    """Send a signal to the step, to Snakemake, or to all that a terminal's Ctrl-C reaches."""
    try:
        if victim == "step":
            os.kill(step_process, number)
        elif victim == "snakemake":
            process.send_signal(number)
        else:
            os.killpg(process.pid, number)
    except ProcessLookupError:
        pass  # it was quicker


def seconds_of(workflow, step):
    """How long a step took in the undisturbed run."""
    table = next((workflow.folder / RESULTS / "benchmarks").glob(f"{step}-*")
                 if step not in ("aggregate", "report")
                 else iter([workflow.folder / RESULTS / "benchmarks" / f"{step}.tsv"]))  # fmt: skip
    return float(table.read_text().splitlines()[1].split("\t")[0])


def call_until_done(workflow, targets):
    """The same call again, as its messages ask for; returns how often it took."""
    for attempt in range(1, 8):
        result = workflow.snakemake(*targets)
        text = result.stdout + result.stderr
        assert "Traceback" not in text, text[-3000:]
        if result.returncode == 0:
            return attempt
        if "Directory cannot be locked" in text:
            assert "--unlock" in text
            assert workflow.snakemake("--unlock").returncode == 0
            continue
        # A step that outlived its Snakemake is still at it.
        assert "another process is writing to it" in text, text[-3000:]
        time.sleep(2.0)
    pytest.fail("the workflow does not end")


@dataclass(frozen=True)
class Kill:
    """Who gets which signal, how far into which step."""

    step: str
    number: signal.Signals
    victim: str
    share: float

    @classmethod
    def drawn(cls, case):
        """The moment follows from the case."""
        return cls(*case, random.Random(repr(case)).uniform(0.02, 0.9))


def kill_and_call_again(workflow, expected, kill):
    """Make a step anew, disturb it, look around, call again, compare."""
    targets = remove_outputs(workflow, kill.step)
    moment = kill.share * seconds_of(workflow, kill.step)
    process = workflow.start(*targets)
    try:
        steps = wait_for(lambda: workflow.steps(kill.step), process)
        assert steps, (workflow.folder / "snakemake.log").read_text()[-3000:]
        time.sleep(moment)
        send(kill.number, kill.victim, process, steps[0])
        process.wait(120)
        after = digests(workflow.folder)
        strange = [name for name, digest in after.items()
                   if expected.get(name) != digest and not is_unfinished(name)]  # fmt: skip
        assert strange == [], "half files"
        call_until_done(workflow, targets)
        end = time.monotonic() + 60
        while workflow.steps(kill.step):
            assert time.monotonic() < end, "a step outlives everything"
            time.sleep(0.1)
        assert digests(workflow.folder) == expected
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_seeded_sample_of_kills(copy_of_whole):
    """Kills of a few steps; all cases run with the slow tests."""
    expected = digests(copy_of_whole("undisturbed").folder)
    for number, case in enumerate([
        ("train", signal.SIGTERM, "step"),
        ("infer", signal.SIGINT, "both"),
        ("prepare", signal.SIGKILL, "snakemake"),
    ]):  # fmt: skip
        kill_and_call_again(copy_of_whole(str(number)), expected, Kill.drawn(case))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1].name}-{case[2]}")
def test_kills(copy_of_whole, case):
    workflow = copy_of_whole()
    kill_and_call_again(workflow, digests(workflow.folder), Kill.drawn(case))
    # A model's description holds the memory that its training took, and what reads it runs again.
    below = {"infer": 1, "evaluate": 1, "aggregate": 1, "report": 1} if case[0] == "train" else {}
    assert workflow.planned() in ({}, below)


def kill_train_when(workflow, targets, is_time, pause_s):
    """Start a training, kill it and its Snakemake at a moment of the model's folder, looked for in
    pauses: without one where it is short, which takes a core."""
    folder = workflow.folder / Path(targets[0]).parent
    process = workflow.start(*targets)
    try:
        while not is_time(folder):
            assert process.poll() is None, "the training ended before the moment came"
            time.sleep(pause_s)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    call_until_done(workflow, targets)


def names_in(folder):
    try:
        return [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []


def has_saved(folder):
    return "state.safetensors" in names_in(folder)


def saves_again(folder):
    names = names_in(folder)
    return "state.safetensors" in names and any(name.startswith(".state.") for name in names)


@pytest.mark.parametrize(
    ("is_time", "pause_s"),
    [(has_saved, 0.01), pytest.param(saves_again, 0.0, marks=pytest.mark.slow)],
)
def test_a_training_killed_around_a_saved_state_goes_on(copy_of_whole, is_time, pause_s):
    workflow = copy_of_whole()
    expected = digests(workflow.folder)
    targets = remove_outputs(workflow, "train")
    kill_train_when(workflow, targets, is_time, pause_s)
    log = next((workflow.folder / RESULTS / "logs").glob("train-*.log")).read_text()
    assert "goes on at epoch " in log
    assert digests(workflow.folder) == expected


def test_a_second_snakemake_is_refused(copy_of_whole):
    workflow = copy_of_whole()
    expected = digests(workflow.folder)
    targets = remove_outputs(workflow, "train")
    process = workflow.start(*targets)
    try:
        wait_for(lambda: workflow.steps("train"), process)
        second = workflow.snakemake(*targets)
        text = second.stdout + second.stderr
        assert second.returncode != 0
        assert "Directory cannot be locked" in text
        assert "Traceback" not in text
        assert process.wait(120) == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert digests(workflow.folder) == expected
