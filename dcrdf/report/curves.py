"""The report's charts: ROC, region overlap, score histogram, training losses."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcrdf.errors import UserError
from dcrdf.metrics import pro_curve
from dcrdf.metrics.ranking import count_alarms
from dcrdf.report.charts import BOTTOM, TOP, Bar, Chart, Mark, line, x_axis, y_axis
from dcrdf.report.runs import RunResult

PRO_LIMIT = 0.30
_PRO_POINTS = 160
_BINS = 28
_STAGE = "stage"
"""The first column of the log of a training in stages."""
_LOG_RATIO = 20.0


def roc_chart(results: Mapping[str, RunResult], styles: Mapping[str, int]) -> Chart:
    """Image ROC of every run on one category: defects found against good parts rejected."""
    x = x_axis("good images rejected, %", 0.0, 1.0, as_percent=True)
    y = y_axis("defects found, %", 0.0, 1.0, as_percent=True)
    lines = []
    for run, result in results.items():
        fpr, tpr = _roc(result)
        lines.append(line(run, styles[run], x, y, fpr.tolist(), tpr.tolist()))
    return Chart(
        "Image ROC",
        "For every threshold the share of defective images found against the share of good images"
        " rejected; a curve nearer to the upper left corner is better.",
        x,
        y,
        lines,
    )


def pro_chart(
    results: Mapping[str, RunResult], styles: Mapping[str, int], masks: NDArray[np.bool_]
) -> Chart:
    """Per-region overlap of every run's fused maps (N, S, S) on one category, up to 30 %."""
    x = x_axis("defect-free pixels flagged, %", 0.0, PRO_LIMIT, as_percent=True)
    y = y_axis("defect region covered, %", 0.0, 1.0, as_percent=True)
    grid = PRO_LIMIT * np.linspace(0.0, 1.0, _PRO_POINTS) ** 2
    lines = []
    for run, result in results.items():
        if masks.any() and not masks.all():
            fpr, pro = pro_curve(result.maps("fused"), masks)
            overlap = np.interp(grid, fpr, pro)
            lines.append(line(run, styles[run], x, y, grid.tolist(), overlap.tolist()))
    return Chart(
        "Region overlap (PRO)",
        "For every threshold the mean share of a defect region that is covered against the share"
        " of defect-free pixels that is flagged, at network size; AUPRO is the area under it.",
        x,
        y,
        lines,
    )


def histogram(result: RunResult) -> Chart:
    """Fused image scores: good images upwards, defective ones downwards, and the threshold."""
    scores, bad = result.scores["fused"], result.is_defect
    threshold = result.threshold.threshold
    low, high = min(scores.min(), threshold), max(scores.max(), threshold)
    margin = 0.03 * max(high - low, 1e-9)
    edges = np.linspace(low - margin, high + margin, _BINS + 1)
    good, defect = np.histogram(scores[~bad], edges)[0], np.histogram(scores[bad], edges)[0]
    tallest = 1.12 * max(good.max(), defect.max(), 1)
    x = x_axis("image score", float(edges[0]), float(edges[-1]))
    y = y_axis("images", -tallest, tallest)
    bars = _bars(x.place(edges), y.place(good), float(y.place(0.0)), "good")
    bars += _bars(x.place(edges), y.place(-defect), float(y.place(0.0)), "defect")
    found, rejected = int((result.is_above & bad).sum()), int((result.is_above & ~bad).sum())
    return Chart(
        "Image scores",
        f"Histogram of image scores: {int((~bad).sum())} good images upwards, {int(bad.sum())}"
        f" defective images downwards. Right of the threshold at {threshold:.4g} lie {found}"
        f" defective and {rejected} good images.",
        x,
        y,
        bars=bars,
        marks=[Mark(float(x.place(threshold)), "threshold")],
    )


def loss_chart(path: Path) -> Chart | None:
    """Every loss of a training log over epochs; `None` for a detector that trains in no epochs.

    Of a training in stages the epochs of one follow those of the other. Raises `UserError` naming
    the file when the log is absent or cannot be read.
    """
    losses = _read_losses(path)
    epochs = losses.pop("epoch")
    values = np.concatenate([*losses.values(), np.zeros(0)])
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    is_logarithmic = bool(finite.min() > 0 and finite.max() > _LOG_RATIO * finite.min())
    low = float(finite.min()) * 0.9 if is_logarithmic else min(0.0, float(finite.min()))
    x = x_axis("epoch", float(epochs.min()), float(max(epochs.max(), epochs.min() + 1)))
    y = y_axis("loss", low, float(finite.max()) * 1.05, logarithmic=is_logarithmic)
    lines = [
        line(name, style, x, y, epochs.tolist(), column.tolist())
        for style, (name, column) in enumerate(losses.items())
    ]
    last = {name: column[np.isfinite(column)][-1:] for name, column in losses.items()}
    ends = ", ".join(f"{name} {value[0]:.3g}" for name, value in last.items() if len(value))
    return Chart("Losses", f"Training losses by epoch; at the end: {ends}.", x, y, lines)


def _roc(result: RunResult) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """False- and true-positive rates at every distinct score, highest first, from (0, 0)."""
    counts = count_alarms(result.scores["fused"], result.is_defect)
    rejected, found = counts.false_positives, counts.true_positives
    return (
        np.append(0.0, rejected / max(1, rejected[-1])),
        np.append(0.0, found / max(1, found[-1])),
    )


def _bars(
    edges: NDArray[np.float64], tops: NDArray[np.float64], base: float, kind: str
) -> list[Bar]:
    return [
        Bar(left + 0.6, min(top, base), right - left - 1.2, abs(top - base), kind)
        for left, right, top in zip(
            edges[:-1].tolist(),
            edges[1:].tolist(),
            np.clip(tops, TOP, BOTTOM).tolist(),
            strict=True,
        )
        if top != base
    ]


def _read_losses(path: Path) -> dict[str, NDArray[np.float64]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows: Sequence[Sequence[str]] = list(csv.reader(file))
        head, cells = rows[0], [[cell or "nan" for cell in row] for row in rows[1:]]
        staged = head[0] == _STAGE
        if staged:
            head, cells = head[1:], [row[1:] for row in cells]
        body = np.array(cells, dtype=np.float64).reshape(-1, len(head))
        columns = dict(zip(head, body.T, strict=True))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; train again") from None
    except (ValueError, IndexError, csv.Error, UnicodeDecodeError):
        raise UserError(f"{path}: not a training log; train again") from None
    if "epoch" not in columns:
        raise UserError(f"{path}: not a training log: no column `epoch`; train again")
    if staged:  # epochs are counted anew in every stage
        columns["epoch"] = np.arange(float(len(body)))
    return columns
