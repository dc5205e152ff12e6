"""The training log: a CSV file and TensorBoard events, one row per epoch."""

import csv
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dcrdf.errors import UserError
from dcrdf.files.atomic import replacing


class TrainingLog:
    """Losses per epoch; rows survive a resumed training because they are part of its state.

    Events are written at once and not in TensorBoard's own thread, which could only die of a full
    disk. All methods raise `UserError` for what the operating system refuses.
    """

    def __init__(self, events: Path, rows: list[dict[str, float]]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        self.rows = rows
        self._folder = events
        with self._refusals_named():
            events.mkdir(parents=True, exist_ok=True)
            name = f"events.out.tfevents.{time.time():.0f}.{socket.gethostname()}.{os.getpid()}"
            self._file = (events / name).open("ab", buffering=0)
            self._writer: Any = RecordWriter(self._file)
            self._write(Event(file_version="brain.Event:2"))
            # What an interrupted training wrote after its last state is not shown.
            self._write(Event(session_log=SessionLog(status=SessionLog.START), step=len(rows)))

    def add(self, epoch: int, losses: dict[str, float], seconds: float) -> None:
        """Append one epoch's mean losses; the time goes to TensorBoard only: rows repeat."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        self.rows.append({"epoch": epoch, **losses})
        shown = {f"loss/{name}": value for name, value in losses.items()}
        shown["seconds_per_epoch"] = seconds
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in shown.items()]
        with self._refusals_named():
            self._write(Event(summary=Summary(value=values), step=epoch))

    def close(self) -> None:
        """Close TensorBoard's events."""
        with self._refusals_named():
            self._file.close()

    def _write(self, event: Any) -> None:
        event.wall_time = time.time()
        self._writer.write(event.SerializeToString())

    @contextmanager
    def _refusals_named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UserError(f"{self._folder}: cannot write: {error.strerror or error}") from None


def write_loss_table(rows: list[dict[str, Any]], path: Path) -> None:
    """Write the rows as CSV: epoch, one column per loss, empty where a stage has no such loss."""
    columns = list(dict.fromkeys(name for row in rows for name in row)) or ["epoch"]
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
