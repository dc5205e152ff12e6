"""The control charts, by simulation: how often they warn of nothing, and how soon of something."""

import numpy as np
import pytest

from dcrdf.watch.drift import Chart, Drift

PARTS = 2000


def simulated(usual, parts, last=50):
    chart = Chart(sorted(usual), last)
    for number, value in enumerate(parts, 1):
        if chart.add(value):
            return number
    return None


@pytest.mark.parametrize("scans", [10, 40, 100])
def test_a_line_that_does_not_move_is_seldom_warned_of(scans):
    """15 charts see fewer than 5 % of lines falsely warned of within 2000 parts where one sees
    fewer than 0.34 %: of 300 lines of one chart 3 or fewer, but for one time in 50."""
    generator = np.random.default_rng(scans)
    lines = [
        simulated(generator.lognormal(size=scans), generator.lognormal(size=PARTS))
        for _ in range(300 if scans == 40 else 60)
    ]
    assert sum(found is not None for found in lines) <= 3


@pytest.mark.parametrize(("shift", "within"), [(1.5, 120), (2.5, 60), (-2.5, 60)])
def test_what_moves_is_noticed_before_parts_are_rejected(shift, within):
    """By deviations of good parts' values."""
    found = []
    for seed in range(40):
        generator = np.random.default_rng(seed)
        moved = generator.normal(size=1000) + shift
        found.append(simulated(generator.normal(size=40), moved))
    assert None not in found
    assert np.median(found) <= within
    assert min(found) >= 10  # a few odd parts are no drift


def test_ranks_alone_count():
    """Whatever the scale, and however far an outlier lies."""
    usual, parts = [1.0, 2.0, 4.0, 8.0], [0.5, 3.0, 1e9, 2.0]
    plain, logs = Chart(usual, 50), Chart(list(np.log(usual)), 50)
    for value in parts:
        plain.add(value)
        logs.add(float(np.log(value)))
    assert list(plain.levels) == list(logs.levels)
    assert plain.normal_score(1e9) == plain.normal_score(8.1) == -plain.normal_score(0.0)
    assert plain.normal_score(3.0) == 0.0


def test_normal_scores_have_unit_variance_and_ties_lie_in_the_middle():
    chart = Chart([1.0, 2.0, 3.0, 4.0, 5.0], 50)
    scores = [chart.normal_score(value) for value in (0.5, 1.5, 2.5, 3.5, 4.5, 5.5)]
    assert np.mean(np.square(scores)) == pytest.approx(1.0)
    assert Chart([1.0] * 9, 50).normal_score(1.0) == 0.0


def test_the_average_by_hand():
    chart = Chart([1.0, 2.0, 3.0], 9)
    z = chart.normal_score(9.0)
    chart.add(9.0)
    chart.add(0.0)
    assert chart.level == pytest.approx(0.2 * -z + 0.8 * 0.2 * z)
    variance = 0.2 / 1.8 * (1 - 0.8**4) + 1 / 3
    assert chart.limit == pytest.approx(4.5 * variance**0.5)


def test_a_warning_is_said_once_names_the_cause_and_ends():
    usual = {"rgb.brightness": np.linspace(0.5, 0.6, 40), "depth.noise": np.linspace(1, 2, 40)}
    drift = Drift({name: [float(x) for x in values] for name, values in usual.items()}, 50)
    dark = {"rgb.brightness": 0.3, "depth.noise": 1.51, "unknown": 1.0}
    lines = [line for _ in range(100) for line in drift.add(dark)]
    (line,) = lines
    assert line.startswith("drift: light or camera has moved: rgb.brightness of good parts has")
    assert "fallen: 0.3 now" in line
    assert "on validation 0.55 (0.5 to 0.6)" in line
    assert drift.warned == ["rgb.brightness"]
    assert drift.to_dict()["charts"]["rgb.brightness"]["side"] == -1
    assert len(drift.to_dict()["charts"]["depth.noise"]["last_levels"]) == 50
    generator = np.random.default_rng(0)
    for value in generator.uniform(0.5, 0.6, 200):
        drift.add({"rgb.brightness": float(value)})
    assert drift.warned == []


def test_charts_that_could_never_warn_say_so():
    assert "`dcrdf infer`" in Drift({}, 50).blind
    assert Drift({"rgb.score": [1.0, 2.0, 3.0]}, 50).blind.endswith("over 50 parts: 3")
    assert Drift({"rgb.score": [float(x) for x in range(10)]}, 50).blind == ""
    few = Chart([1.0, 2.0, 3.0], 50)
    assert not any(few.add(9.0) for _ in range(1000))
    assert not few.can_warn
