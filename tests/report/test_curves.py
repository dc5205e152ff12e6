"""ROC, region overlap, histogram and loss charts, read back from their geometry."""

import re

import numpy as np
import pytest

from dcrdf.errors import UserError
from dcrdf.metrics import auroc
from dcrdf.report.charts import BOTTOM, LEFT, RIGHT, TOP
from dcrdf.report.curves import histogram, loss_chart, pro_chart, roc_chart


def curve(path: str) -> np.ndarray:
    """The points of a path as shares of the axes."""
    points = np.array(re.findall(r"(-?[\d.]+) (-?[\d.]+)", path), dtype=float)
    return (points - [LEFT, BOTTOM]) / [RIGHT - LEFT, TOP - BOTTOM]


def test_roc_encloses_the_auroc(make_result):
    rng = np.random.default_rng(2)
    result = make_result(rng.random(20).round(1).tolist(), (rng.random(30) + 0.3).round(1).tolist())
    x, y = curve(roc_chart({"full": result}, {"full": 0}).lines[0].path).T
    area = np.trapezoid(y, x)
    assert area == pytest.approx(auroc(result.scores["fused"], result.is_defect), abs=2e-3)
    assert (x[0], y[0]) == (0.0, 0.0)
    assert (x[-1], y[-1]) == pytest.approx((1.0, 1.0))


def test_roc_keeps_each_run_in_its_style(make_result):
    runs = {"b": make_result([0.1], [0.9], run="b"), "a": make_result([0.1], [0.9], run="a")}
    lines = roc_chart(runs, {"a": 3, "b": 5}).lines
    assert [(line.label, line.style) for line in lines] == [("b", 5), ("a", 3)]


def test_pro_of_a_perfect_map_is_full_at_once(results):
    from dcrdf.report.runs import read_run

    files = results.add("full", "nut")
    masks = results.splits["nut"].gt
    (line,) = pro_chart({"full": read_run(files)}, {"full": 0}, masks).lines
    x, y = curve(line.path).T
    assert (y[x > 0.01] > 0.99).all()


def test_pro_without_any_defect_has_no_line(make_result):
    masks = np.zeros((2, 4, 4), dtype=bool)
    assert pro_chart({"full": make_result([0.1], [0.9])}, {"full": 0}, masks).lines == []


def test_histogram_counts_every_image_once(make_result):
    good, bad = [0.1, 0.1, 0.2, 0.9], [0.15, 0.8, 0.8, 0.8, 1.4]
    chart = histogram(make_result(good, bad))
    unit = (BOTTOM - TOP) / (2 * 1.12 * 3)
    for kind, scores in (("good", good), ("defect", bad)):
        heights = [bar.height for bar in chart.bars if bar.kind == kind]
        assert sum(heights) / unit == pytest.approx(len(scores))
    middle = (TOP + BOTTOM) / 2
    assert all(bar.y + bar.height <= middle + 1e-6 for bar in chart.bars if bar.kind == "good")
    assert all(bar.y >= middle - 1e-6 for bar in chart.bars if bar.kind == "defect")
    assert "3 defective and 1 good" not in chart.description
    assert "4 defective and 1 good" in chart.description


def test_histogram_shows_a_threshold_beyond_all_scores(make_result):
    chart = histogram(make_result([0.1], [0.2], threshold=5.0))
    assert LEFT < chart.marks[0].x < RIGHT


def test_histogram_of_equal_scores(make_result):
    chart = histogram(make_result([0.5], [0.5], threshold=0.5))
    assert len(chart.bars) == 2


def test_loss_chart_has_a_line_per_loss(tmp_path):
    log = tmp_path / "losses.csv"
    log.write_text("epoch,total,focal\n0,2,0.5\n1,1,0.4\n2,0.9,0.3\n")
    chart = loss_chart(log)
    assert [line.label for line in chart.lines] == ["total", "focal"]
    assert "at the end: total 0.9, focal 0.3" in chart.description
    assert not chart.y.logarithmic


def test_wide_ranges_are_logarithmic(tmp_path):
    log = tmp_path / "losses.csv"
    log.write_text("epoch,total\n0,50\n1,0.1\n")
    assert loss_chart(log).y.logarithmic


def test_stages_follow_one_another(tmp_path):
    """Each loss is drawn over the epochs of its own stage; epochs are counted anew in each."""
    log = tmp_path / "losses.csv"
    log.write_text("stage,epoch,flow,total,student\nflow,0,3,3,\nflow,1,2,2,\nstudent,0,,1,1\n")
    chart = loss_chart(log)
    assert "at the end: flow 2, total 1, student 1" in chart.description
    ends = [line.path.replace("M", "L").split("L")[-1].split()[0] for line in chart.lines]
    assert float(ends[0]) == pytest.approx(np.mean([46, 350]), abs=1)  # halfway along the axis
    assert float(ends[1]) == float(ends[2]) == pytest.approx(350, abs=1)


def test_a_single_epoch_and_lost_values_are_drawn(tmp_path):
    log = tmp_path / "losses.csv"
    log.write_text("epoch,total,focal\n0,nan,1\n")
    assert len(loss_chart(log).lines) == 2


def test_a_detector_without_epochs_has_no_chart(tmp_path):
    log = tmp_path / "losses.csv"
    log.write_text("epoch\n")
    assert loss_chart(log) is None


@pytest.mark.parametrize(
    "contents", ["", "epoch,total\n0,x\n", "epoch,a\n0,1,2\n", "step,a\n0,1\n", "stage,a\nx,1\n"]
)
def test_bad_logs_are_named(tmp_path, contents):
    log = tmp_path / "losses.csv"
    log.write_text(contents)
    with pytest.raises(UserError, match="losses.csv"):
        loss_chart(log)


def test_absent_log_is_named(tmp_path):
    with pytest.raises(UserError, match="losses.csv"):
        loss_chart(tmp_path / "losses.csv")
