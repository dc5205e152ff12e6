"""TensorBoard reads what is logged, and a resumed training shows every epoch once."""

from pathlib import Path

import pytest

from dcrdf.errors import UserError
from dcrdf.training.log import TrainingLog


def shown(folder):
    """Tag -> (step, value) of every event that TensorBoard shows."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def test_a_resumed_training_shows_every_epoch_once(tmp_path):
    first = TrainingLog(tmp_path, [])
    for epoch in range(3):
        first.add(epoch, {"total": 4.0 - epoch}, 0.5)
    first.close()
    kept = first.rows[:2]
    second = TrainingLog(tmp_path, kept)
    for epoch in (2, 3):
        second.add(epoch, {"total": 0.25 * epoch}, 0.5)
    second.close()
    assert second.rows == [
        {"epoch": 0, "total": 4.0}, {"epoch": 1, "total": 3.0},
        {"epoch": 2, "total": 0.5}, {"epoch": 3, "total": 0.75},
    ]  # fmt: skip
    events = shown(tmp_path)
    assert events["loss/total"] == [(0, 4.0), (1, 3.0), (2, 0.5), (3, 0.75)]
    assert [step for step, _ in events["seconds_per_epoch"]] == [0, 1, 2, 3]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(UserError, match="taken: cannot write"):
        TrainingLog(tmp_path / "taken", [])


def test_a_full_disk_is_named(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    log = TrainingLog(tmp_path, [])
    log._file = Path("/dev/full").open("ab", buffering=0)  # noqa: SIM115
    log._writer._writer = log._file
    with pytest.raises(UserError, match="cannot write: No space left on device"):
        log.add(0, {"total": 1.0}, 0.5)
