"""Names and orders in tables."""

import pytest

from dcrdf.results.names import in_order, limit_text, metric_title, short_metric_title


@pytest.mark.parametrize(
    ("metric", "limit"),
    [("aupro_30", "30 %"), ("aupro_05", "5 %"), ("aupro_00.5", "0.5 %"), ("aupro_100", "100 %")],
)
def test_limits_read_as_percent(metric, limit):
    assert limit_text(metric) == limit
    assert metric_title(metric) == f"AUPRO up to {limit} false-positive rate"
    assert short_metric_title(metric) == f"AUPRO@{limit}"


def test_limits_agree_with_the_metrics_own_names():
    from dcrdf.metrics import aupro_name

    for limit in (0.3, 0.1, 0.05, 0.01, 0.005, 1.0):
        assert limit_text(aupro_name(limit)) == f"{100 * limit:g} %"


def test_unknown_metrics_keep_their_name():
    assert metric_title("own_metric") == "own_metric"


def test_order_puts_the_wanted_first():
    assert in_order(["b", "a", "c", "a"], ["c", "x"]) == ["c", "a", "b"]
