"""What the fusion by one-class SVMs costs beside a sum of z-scores: weights, and maps."""

import numpy as np
import torch

from bench.measure import best_seconds
from bench.page import Rows
from dcrdf.scoring.one_class_svm import NU, Weights, one_class_weights, weighed

COUNTS = (4096, 65_536, 819_200)
"""Pixels of one image, of 16, of 200."""
HEAD = ("what", "pixels", "CPU ms", "share of values on the wrong side")
RULE = "| --- | ---: | ---: | ---: |"


def costs() -> Rows:
    """Of weights from pairs of good values with the usual long tail, and of one image's fusion."""
    generator = np.random.default_rng(0)
    rows: Rows = []
    for count in COUNTS:
        shared = generator.gamma(4.0, 0.25, (count, 1))
        values = 0.5 * shared + 0.5 * generator.gamma(4.0, 0.25, (count, 2))
        seconds = best_seconds(lambda x=values: one_class_weights(x), 3)
        along = values @ one_class_weights(values)
        wrong = float((along < np.quantile(along, NU)).mean())
        rows.append(("weights, solved exactly", f"{count}", f"{1e3 * seconds:.1f}", f"{wrong:.2f}"))
    maps = {name: torch.rand(1, 224, 224) for name in ("rgb", "depth")}
    weights = Weights(0.5, 0.5, 0.5, 0.5)
    seconds = best_seconds(lambda: weighed(maps, weights), 20, warm_up=True)
    rows.append(("an image's map, 224 px", f"{224 * 224}", f"{1e3 * seconds:.2f}", ""))
    return rows
