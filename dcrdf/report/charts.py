"""Small line and bar charts as SVG geometry; the page's template draws them in its own colours."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

WIDTH, HEIGHT = 360, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 350, 10, 206
STYLES = 16
"""The template has this many line styles: colour and dash pattern."""


class Tick(NamedTuple):
    """A labelled position on an axis, in chart units."""

    at: float
    text: str


@dataclass(frozen=True)
class Axis:
    """A linear or logarithmic axis over [low, high]; `start` and `end` are chart units."""

    label: str
    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False
    as_percent: bool = False

    def place(self, values: ArrayLike) -> NDArray[np.float64]:
        """Values in chart units."""
        scaled = self._scaled(np.asarray(values, dtype=np.float64))
        low, high = self._scaled(np.array([self.low, self.high]))
        span = high - low if high > low else 1.0
        return self.start + (scaled - low) / span * (self.end - self.start)

    def _scaled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.log10(values) if self.logarithmic else values

    @property
    def ticks(self) -> list[Tick]:
        """About five round values within the axis, or whole powers of ten."""
        values = self._powers() if self.logarithmic else self._round_values()
        texts = [f"{100 * value:.4g}" if self.as_percent else f"{value:.4g}" for value in values]
        return [Tick(at, text) for at, text in zip(self.place(values).tolist(), texts, strict=True)]

    def _powers(self) -> NDArray[np.float64]:
        exponents = np.arange(np.ceil(np.log10(self.low)), np.floor(np.log10(self.high)) + 1)
        return np.power(10.0, exponents)

    def _round_values(self) -> NDArray[np.float64]:
        rough = max(self.high - self.low, 1e-12) / 5.0
        power = 10.0 ** np.floor(np.log10(rough))
        step = power * next(unit for unit in (1, 2, 5, 10) if unit * power >= rough * 0.999)
        first = np.ceil(self.low / step - 1e-9)
        last = np.floor(self.high / step + 1e-9)
        return np.asarray(np.arange(first, last + 1) * step + 0.0)


class Line(NamedTuple):
    """A curve with its legend text and line style."""

    label: str
    path: str
    style: int


class Bar(NamedTuple):
    """A rectangle in chart units."""

    x: float
    y: float
    width: float
    height: float
    kind: str


class Mark(NamedTuple):
    """A vertical line across the chart with a short label."""

    x: float
    text: str


@dataclass(frozen=True)
class Chart:
    """A chart ready to draw; `description` says in words what it shows."""

    title: str
    description: str
    x: Axis
    y: Axis
    lines: list[Line] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


def x_axis(label: str, low: float, high: float, *, as_percent: bool = False) -> Axis:
    """The axis along the bottom."""
    return Axis(label, low, high, LEFT, RIGHT, as_percent=as_percent)


def y_axis(
    label: str, low: float, high: float, *, logarithmic: bool = False, as_percent: bool = False
) -> Axis:
    """The axis along the left side, upwards."""
    return Axis(label, low, high, BOTTOM, TOP, logarithmic=logarithmic, as_percent=as_percent)


def line(
    label: str, style: int, x: Axis, y: Axis, xs: Sequence[float], ys: Sequence[float]
) -> Line:
    """A curve through the points (xs, ys), gaps where a value is not finite."""
    placed = np.column_stack([x.place(xs), y.place(ys)])
    parts, pen_is_up = [], True
    for right, down in placed.tolist():
        is_drawn = math.isfinite(right) and math.isfinite(down)
        if is_drawn:
            parts.append(f"{'M' if pen_is_up else 'L'}{right:.1f} {down:.1f}")
        pen_is_up = not is_drawn
    return Line(label, "".join(parts), style % STYLES)
