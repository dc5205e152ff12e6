"""The workflow on a SLURM cluster: one GPU per training, and what happens to killed jobs."""

import csv
import json
import re

import pytest

pytestmark = pytest.mark.slurm

EPOCHS = 60


def freeze_once_saved(run):
    """Stop the two trainings in epochs after they saved a state, as if epochs took long."""
    frozen = {}

    def found_both():
        for training in run.trainings():
            if training.state.exists() and training.process not in frozen:
                training.freeze()
                frozen[training.process] = training
        return len(frozen) == 2

    run.wait_until(found_both, "two trainings at once with a saved state")
    return list(frozen.values())


def saved_epochs(training):
    """Epochs in the state of a training; they are in its file's head."""
    with training.state.open("rb") as file:
        head = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return int(head["__metadata__"]["epochs_done"])


def logged_epochs(training):
    """The epochs that the last attempt announced."""
    return [int(number) for number in re.findall(rf"(\d+)/{EPOCHS} ", training.log.read_text())]


def attempts(jobs, training):
    """SLURM's records of a training's jobs."""
    return [job for job in jobs if job["Comment"].endswith(training.model.name.split("-")[-1])]


def test_killed_jobs_are_retried_and_go_on(run):
    run.start()
    cancelled, overdue = trainings = freeze_once_saved(run)
    for training in trainings:
        assert training.environment["SLURM_GPUS_ON_NODE"] == "1"
    assert {one.environment["CUDA_VISIBLE_DEVICES"] for one in trainings} == {"0", "1"}

    saved = {one.model: saved_epochs(one) for one in trainings}
    assert all(0 < epochs < EPOCHS for epochs in saved.values())
    run.cluster.ask("scancel", cancelled.job)
    run.cluster.ask("scontrol", "update", f"JobId={overdue.job}", "TimeLimit=1")
    run.wait_until_done()

    jobs = run.cluster.jobs()
    for training, end in ((cancelled, "CANCELLED"), (overdue, "TIMEOUT")):
        first, second = attempts(jobs, training)
        assert (first["JobState"], second["JobState"]) == (end, "COMPLETED")
        assert second["TimeLimit"] == "04:00:00", "twice the first attempt's"
        went_on = list(range(saved[training.model] + 1, EPOCHS + 1))
        assert logged_epochs(training) == went_on
        with (training.model / "losses.csv").open() as table:
            assert [int(row["epoch"]) for row in csv.DictReader(table)] == list(range(EPOCHS))
    for job in jobs:
        on_gpu = re.match("rule_(train|infer)_", job["Comment"]) is not None
        assert job.get("TresPerJob") == ("gres:gpu:1" if on_gpu else None), job["Comment"]
    assert (run.folder / "results" / "tiny" / "report.html").exists()

    again = run.again()
    assert again.returncode == 0, again.stderr[-3000:]
    assert "Nothing to be done" in again.stdout + again.stderr
    assert len(run.cluster.jobs()) == len(jobs)
