"""How often 95 % intervals hold the true value, on scores whose truth is known."""

import numpy as np

from bench.metrics.simulated import Bools, Floats
from bench.page import table
from dcrdf.metrics import Bootstrap, auroc, average_precision, bootstrap, compare, f1_max
from dcrdf.metrics.intervals import percentile_interval


def image_bootstrap(scores: Floats, labels: Bools, seed: int) -> Bootstrap:
    """500 resamples of the image metrics; the maps say nothing."""
    maps, masks = np.zeros((labels.size, 1, 1)), np.zeros((labels.size, 1, 1), np.bool_)
    return bootstrap(maps, masks, scores, labels, resamples=500, seed=seed)


def interval_coverage(splits: int, shift: float) -> str:
    """Scores N(0, 1) and N(shift, 1), many times: how often intervals hold the true value, and
    how often two runs of equal quality are called different."""
    generator = np.random.default_rng(0)
    labels, many = np.arange(100) >= 20, np.arange(500_000) >= 100_000
    crowd = generator.standard_normal(many.size) + shift * many
    truth = {
        "i_auroc": auroc(crowd, many),
        "i_ap": average_precision(crowd, many),
        "i_f1max": f1_max(crowd, many),
    }
    held = {metric: np.zeros(3) for metric in truth}
    for seed in range(splits):
        common = generator.standard_normal(labels.size) + shift * labels * np.sqrt(2)
        first, second = (
            image_bootstrap(common + generator.standard_normal(labels.size), labels, seed)
            for _ in range(2)
        )
        differences = compare(first, second)
        for metric, true in truth.items():
            plain = percentile_interval(first.estimates[metric], first.resampled[metric])
            corrected = first.interval(metric)
            held[metric] += (
                plain.low <= true <= plain.high,
                corrected.low <= true <= corrected.high,
                differences[metric].p_value < 0.05,
            )
    rows = [
        (metric, f"{truth[metric]:.3f}", *(f"{100 * share:.0f} %" for share in counts / splits))
        for metric, counts in held.items()
    ]
    header = ("metric", "true value", "percentile holds it", "BCa holds it", "p < 0.05")
    return table(header, rows)
