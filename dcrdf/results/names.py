"""What branches, metrics, sizes and modes are called in tables, and the order they are shown in."""

from collections.abc import Iterable
from typing import Literal

Branch = Literal["fused", "rgb", "depth"]
Size = Literal["image", "network", "native"]
Mode = Literal["exact", "mvtec100"]

BRANCH_TITLES = {"fused": "fused map", "rgb": "RGB branch", "depth": "depth branch"}
SIZE_TITLES = {
    "image": "one score per image",
    "network": "network size",
    "native": "native size",
}
GROUND_TRUTH_RULES = {
    "image": "image label from the folder name",
    "network": "ground truth resized to the network's size as the run's preparation does it "
    "(nearest neighbour, unless it says otherwise)",
    "native": "ground truth as drawn, maps resized to it bilinearly",
}
MODE_TITLES = {
    "exact": "exact",
    "mvtec100": "100 quantile thresholds, as in the official MVTec 3D-AD kit",
}
METRIC_TITLES = {
    "i_auroc": "Image AUROC",
    "i_ap": "Image average precision",
    "i_f1max": "Image F1-max",
    "p_auroc": "Pixel AUROC",
    "p_ap": "Pixel average precision",
}
LABELS_NOTE = (
    "“As published”: a publication's preset with nothing changed in preparation, pseudo-anomalies,"
    " teacher, training, scoring or the detector's options; otherwise what is changed is named"
)
"""On runs' labels."""
_METRIC_ORDER = (*METRIC_TITLES, "aupro_30", "aupro_10", "aupro_05", "aupro_01")


def metric_title(metric: str) -> str:
    """The name of a metric as a reader knows it; an AUPRO states its limit."""
    if metric.startswith("aupro_"):
        return f"AUPRO up to {limit_text(metric)} false-positive rate"
    return METRIC_TITLES.get(metric, metric)


def short_metric_title(metric: str) -> str:
    """A name that fits a column head, e.g. `AUPRO@5 %`."""
    if metric.startswith("aupro_"):
        return f"AUPRO@{limit_text(metric)}"
    return metric_title(metric).replace("average precision", "AP")


def limit_text(metric: str) -> str:
    """The false-positive limit of `aupro_05` in words: `5 %`."""
    return f"{float(metric.removeprefix('aupro_')):g} %"


def branch_title(branch: str) -> str:
    """The name of a branch as a reader knows it."""
    return BRANCH_TITLES.get(branch, branch)


def in_order(found: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """The distinct `found` names: first those in `wanted`, in its order, then the rest sorted."""
    names = set(found)
    first = [name for name in dict.fromkeys(wanted) if name in names]
    return first + sorted(names.difference(first))


def metrics_in_order(found: Iterable[str]) -> list[str]:
    """Metrics from image to pixel, AUPRO from the widest limit to the tightest."""
    return in_order(found, _METRIC_ORDER)
