"""What a metric without a meaning says: NaN, and a warning that names it."""

import warnings


class UndefinedMetricWarning(UserWarning):
    """A metric has no value on this input (for example AUROC without a single defect)."""


def undefined(metric: str, reason: str) -> float:
    """Warn that `metric` is undefined because of `reason`; returns NaN, never 0 or 1."""
    warnings.warn(
        f"{metric} is undefined: {reason}; it is reported as NaN",
        UndefinedMetricWarning,
        stacklevel=3,
    )
    return float("nan")
