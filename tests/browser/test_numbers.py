"""The script's arithmetic against the product's and against slow answers."""

import shlex

import numpy as np
import pytest

from dcrdf.metrics.ranking import count_alarms
from dcrdf.report.counting import Proportion

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def numbers(scripts):
    return scripts("numbers")


def test_intervals_are_the_products(numbers):
    cases = [(count, total) for total in (1, 2, 7, 40, 500) for count in
             {0, 1, total // 3, total // 2, total - 1, total}]  # fmt: skip
    found = numbers.evaluate("cases => cases.map(([count, total]) => clopperPearson(count, total))",
                             cases)  # fmt: skip
    wanted = [Proportion(count, total).interval for count, total in cases]
    np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_the_roc_curve_is_the_products(numbers):
    rng = np.random.default_rng(0)
    scores, bad = rng.integers(0, 12, 60) / 4, rng.random(60) < 0.4
    points = numbers.evaluate(
        "([scores, bad]) => rocPoints(scores, bad)", [scores.tolist(), bad.tolist()]
    )
    counts = count_alarms(scores, bad)
    wanted = np.column_stack([counts.false_positives / (~bad).sum(),
                              counts.true_positives / bad.sum()])  # fmt: skip
    np.testing.assert_allclose(points, np.vstack([[0, 0], wanted]))


IMAGES = [{"name": name, "kind": kind, "isDefect": kind != "good", "area": 0}
          for name, kind in [("0", "good"), ("1", "good"), ("0", "dent"), ("1", "dent"),
                             ("2", "dent")]]  # fmt: skip
SCORES = [0.2, 0.7, 0.4, 0.9, 0.6]


def test_verdicts(numbers):
    verdicts = numbers.evaluate(
        "([images, scores, why]) => [verdictsAt(images, scores, why, 0.6, true),"
        " verdictsAt(images, scores, why, 0.6, false)]",
        [IMAGES, SCORES, ["", "", "", "", "dark"]],
    )
    assert verdicts == [
        ["passed", "false alarm", "missed", "found", "not judged"],
        ["good", "defective", "good", "defective", "not judged"],
    ]


@pytest.mark.parametrize(
    ("by", "wanted"),
    [("mistakes", [2, 4, 1, 3, 0]), ("high", [3, 1, 4, 2, 0]), ("low", [0, 2, 4, 1, 3]),
     ("name", [2, 3, 4, 0, 1])],
)  # fmt: skip
def test_orders(numbers, by, wanted):
    verdicts = ["passed", "false alarm", "missed", "found", "missed"]
    order = "([scores, verdicts, images, by]) => sortedOrder(scores, verdicts, images, by)"
    assert numbers.evaluate(order, [SCORES, verdicts, IMAGES, by]) == wanted


def slow_cost(threshold, prices):
    missed = np.mean([score <= threshold for score, x in zip(SCORES, IMAGES, strict=True)
                      if x["isDefect"]])  # fmt: skip
    alarms = np.mean([score > threshold for score, x in zip(SCORES, IMAGES, strict=True)
                      if not x["isDefect"]])  # fmt: skip
    bad = prices["defectivePerThousand"]
    return bad * prices["miss"] * missed + (1000 - bad) * prices["falseAlarm"] * alarms


@pytest.mark.parametrize("miss", [0, 1, 100, 1e6])
def test_the_cheapest_threshold_is_the_cheapest(numbers, miss):
    prices = {"miss": miss, "falseAlarm": 3, "defectivePerThousand": 50}
    best = numbers.evaluate(
        "([images, scores, why, prices]) => cheapestThreshold(images, scores, why, prices)",
        [IMAGES, SCORES, [""] * 5, prices],
    )
    assert best["cost"] == pytest.approx(slow_cost(best["threshold"], prices))
    tried = [slow_cost(threshold, prices) for threshold in np.linspace(-0.1, 1.1, 300)]
    assert best["cost"] == pytest.approx(min(tried))


@pytest.mark.parametrize("text", ["a/b.c-d_1", "two words", "it's", "-x", '$(rm)`x`"', "ä;b"])
def test_words_for_a_shell_stay_one_word(numbers, text):
    assert shlex.split(numbers.evaluate("text => shellWord(text)", text)) == [text]


def test_shares_are_written_as_the_index_writes_them(numbers):
    from dcrdf.report.summary import interval_text, share_text

    for one in (Proportion(3, 20), Proportion(0, 7), Proportion(1, 300), Proportion(0, 0)):
        given = {"count": one.count, "total": one.total}
        assert numbers.evaluate("one => shareText(one)", given) == share_text(one)
        if one.total:
            assert numbers.evaluate("one => intervalText(one)", given) == interval_text(one)
