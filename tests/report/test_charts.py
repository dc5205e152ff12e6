"""Chart geometry: axes place values where they belong, ticks are round, gaps stay gaps."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcrdf.report import charts
from dcrdf.report.charts import BOTTOM, LEFT, RIGHT, STYLES, TOP, line, x_axis, y_axis


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path)]


def test_axes_span_the_plot():
    assert x_axis("x", 2.0, 4.0).place([2.0, 3.0, 4.0]).tolist() == [
        LEFT,
        (LEFT + RIGHT) / 2,
        RIGHT,
    ]
    assert y_axis("y", 0.0, 1.0).place([0.0, 1.0]).tolist() == [BOTTOM, TOP]


def test_logarithmic_axis_gives_every_decade_the_same_height():
    placed = y_axis("loss", 0.01, 100.0, logarithmic=True).place([0.01, 0.1, 1.0, 10.0, 100.0])
    assert np.diff(placed) == pytest.approx([(TOP - BOTTOM) / 4] * 4)


def test_logarithmic_ticks_are_powers_of_ten():
    ticks = y_axis("loss", 0.02, 30.0, logarithmic=True).ticks
    assert [tick.text for tick in ticks] == ["0.1", "1", "10"]


def test_percent_ticks():
    ticks = x_axis("share", 0.0, 0.3, as_percent=True).ticks
    assert [tick.text for tick in ticks] == ["0", "10", "20", "30"]


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_lie_within_the_axis_and_are_a_handful(low, width):
    axis = x_axis("x", low, low + width)
    ticks = axis.ticks
    assert len(ticks) <= 7
    assert all(LEFT - 1 <= tick.at <= RIGHT + 1 for tick in ticks)


def test_zero_has_no_sign():
    assert "-0" not in [tick.text for tick in y_axis("images", -10.0, 10.0).ticks]


def test_line_passes_through_its_points():
    x, y = x_axis("x", 0.0, 1.0), y_axis("y", 0.0, 1.0)
    drawn = line("run", STYLES + 1, x, y, [0.0, 1.0], [0.0, 1.0])
    assert points(drawn.path) == [(LEFT, BOTTOM), (RIGHT, TOP)]
    assert drawn.style == 1


@pytest.mark.parametrize("hole", [math.nan, math.inf])
def test_values_that_are_no_numbers_leave_a_gap(hole):
    x, y = x_axis("x", 0.0, 2.0), y_axis("y", 0.0, 1.0)
    path = line("loss", 0, x, y, [0.0, 1.0, 2.0], [0.5, hole, 0.5]).path
    assert path.count("M") == 2
    assert "nan" not in path
    assert "inf" not in path


def test_every_line_style_looks_different():
    css = (Path(charts.__file__).parent / "templates" / "style.css").read_text()
    drawn = re.findall(r"^\.k(\d+) \{ (.*) \}$", css, re.MULTILINE)
    assert [int(number) for number, _ in drawn] == list(range(STYLES))
    assert len({look for _, look in drawn}) == STYLES
