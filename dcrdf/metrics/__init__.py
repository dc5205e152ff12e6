"""Exact anomaly-detection metrics, their confidence, and thresholds. numpy and scipy only."""

from dcrdf.metrics.bootstrap import Bootstrap, Difference, bootstrap, compare
from dcrdf.metrics.evaluation import LIMITS, Evaluation, aupro_name, evaluate
from dcrdf.metrics.intervals import Interval
from dcrdf.metrics.ranking import auroc, average_precision, f1_max, f1_max_threshold
from dcrdf.metrics.region_overlap import aupro, pro_curve
from dcrdf.metrics.threshold import FalseAlarmThreshold, false_alarm_threshold
from dcrdf.metrics.undefined import UndefinedMetricWarning

__all__ = [
    "LIMITS",
    "Bootstrap",
    "Difference",
    "Evaluation",
    "FalseAlarmThreshold",
    "Interval",
    "UndefinedMetricWarning",
    "aupro",
    "aupro_name",
    "auroc",
    "average_precision",
    "bootstrap",
    "compare",
    "evaluate",
    "f1_max",
    "f1_max_threshold",
    "false_alarm_threshold",
    "pro_curve",
]
