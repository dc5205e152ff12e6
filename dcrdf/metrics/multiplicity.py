"""Several comparisons at once: p-values that count them."""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted by Holm's step-down rule (1979, Scand. J. Statist. 6), in the order given.

    Whoever calls all with an adjusted value of at most 0.05 different errs in any of them with a
    chance of at most 5 %, however the comparisons depend on each other. NaN stays and is not
    counted.
    """
    values = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(values.shape, np.nan)
    defined = np.flatnonzero(np.isfinite(values))
    ascending = defined[np.argsort(values[defined], kind="stable")]
    left = np.arange(len(ascending), 0, -1)
    steps = np.maximum.accumulate(values[ascending] * left)
    adjusted[ascending] = np.minimum(steps, 1.0)
    return [float(value) for value in adjusted]
