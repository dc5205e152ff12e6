import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcrdf.errors import UserError
from dcrdf.metrics import (
    UndefinedMetricWarning,
    auroc,
    average_precision,
    f1_max,
    f1_max_threshold,
)

SCORES = st.lists(
    st.tuples(st.one_of(st.integers(-3, 3).map(float), st.floats(-1e30, 1e30)), st.booleans()),
    min_size=2,
    max_size=40,
).filter(lambda rows: {label for _, label in rows} == {True, False})


@given(rows=SCORES)
def test_equal_to_oracle(oracle, rows):
    scores, labels = [score for score, _ in rows], [label for _, label in rows]
    assert auroc(scores, labels) == pytest.approx(oracle.auroc(scores, labels), abs=1e-12)
    ap = oracle.average_precision(scores, labels)
    assert average_precision(scores, labels) == pytest.approx(ap, abs=1e-12)
    assert f1_max(scores, labels) == pytest.approx(oracle.f1_max(scores, labels), abs=1e-12)


@given(rows=SCORES)
def test_f1_threshold_gives_its_f1(rows):
    scores, labels = np.array([s for s, _ in rows]), np.array([label for _, label in rows])
    best, threshold = f1_max_threshold(scores, labels)
    alarms = scores >= threshold
    hits = (alarms & labels).sum()
    assert best == pytest.approx(2 * hits / (alarms.sum() + labels.sum()), abs=1e-12)


def test_known_values():
    scores, labels = [0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]
    assert auroc(scores, labels) == 0.75
    assert average_precision(scores, labels) == pytest.approx(5 / 6)
    assert f1_max_threshold(scores, labels) == (pytest.approx(0.8), 0.35)


def test_all_scores_equal():
    assert auroc([1.0] * 4, [0, 1, 0, 0]) == 0.5
    assert average_precision([1.0] * 4, [0, 1, 0, 0]) == 0.25
    assert f1_max([1.0] * 4, [0, 1, 0, 0]) == pytest.approx(0.4)


def test_any_shape_and_integer_scores():
    scores, labels = np.array([[3, 1], [2, 0]]), np.array([[True, False], [True, False]])
    assert auroc(scores, labels) == 1.0


def test_more_than_2_to_24_elements():
    scores = np.zeros((1 << 24) + 3, dtype=np.float16)
    scores[:2] = 1.0, 2.0
    labels = np.zeros(scores.size, dtype=bool)
    labels[0] = True
    assert auroc(scores, labels) == ((1 << 24) + 1) / ((1 << 24) + 2)
    assert average_precision(scores, labels) == 0.5


@pytest.mark.parametrize("metric", [auroc, average_precision, f1_max])
@pytest.mark.parametrize("label", [0, 1])
def test_one_class_is_undefined(metric, label):
    with pytest.warns(UndefinedMetricWarning, match="undefined"):
        assert np.isnan(metric([0.1, 0.2], [label, label]))


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([0.1, float("nan")], [0, 1], "scores: holds NaN"),
        ([0.1, float("inf")], [0, 1], "scores: holds NaN or infinite"),
        ([], [], "scores: is empty"),
        ([0.1, 0.2], [0, 1, 1], "labels: has shape"),
        ([[0.1], [0.2]], [0, 1], "labels: has shape"),
        ([0.1, 0.2], [0, 2], "labels: holds other values"),
        ([0.1, 0.2], [0.0, 1.0], "labels: is of type float64"),
        (["a", "b"], [0, 1], "scores: is of type"),
    ],
)
@pytest.mark.parametrize("metric", [auroc, average_precision, f1_max])
def test_bad_input(metric, scores, labels, message):
    with pytest.raises(UserError, match=message):
        metric(scores, labels)
