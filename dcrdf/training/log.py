"""The training log: a CSV file and TensorBoard events, one row per epoch."""

import csv
from pathlib import Path
from typing import Any

from dcrdf.files.atomic import replacing


class TrainingLog:
    """Losses per epoch; rows survive a resumed training because they are part of its state."""

    def __init__(self, events: Path, rows: list[dict[str, float]]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.rows = rows
        self._writer: Any = SummaryWriter(str(events), purge_step=len(rows))

    def add(self, epoch: int, losses: dict[str, float], seconds: float) -> None:
        """Append one epoch's mean losses; the time goes to TensorBoard only: rows repeat."""
        self.rows.append({"epoch": epoch, **losses})
        for name, value in losses.items():
            self._writer.add_scalar(f"loss/{name}", value, epoch)
        self._writer.add_scalar("seconds_per_epoch", seconds, epoch)

    def close(self) -> None:
        """Flush TensorBoard's events."""
        self._writer.close()


def write_loss_table(rows: list[dict[str, float]], path: Path) -> None:
    """Write the rows as CSV: epoch, one column per loss."""
    columns = list(rows[0]) if rows else ["epoch"]
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
