"""What is watched of every scan on a line: its scores, how unusual its modalities are, and what can
be counted of it. Good validation scans say what is usual."""

from collections.abc import Sequence

import numpy as np

from dcrdf.modalities import FUSED
from dcrdf.scoring.prediction import Prediction
from dcrdf.scoring.usual_scans import QUANTITIES

DIGITS = 6
"""Of good scans' values in the model: enough to order new ones among them."""


def gauges_of(prediction: Prediction, at: int) -> dict[str, float]:
    """The values of one scan by `BRANCH.NAME`; what it lacks is missing. With one modality the
    fused score is that branch's, and missing, too."""
    branches = [name for name in prediction.scores if name != FUSED]
    scored = prediction.scores if len(branches) > 1 else branches
    values = {f"{name}.score": prediction.scores[name] for name in scored}
    values |= {f"{name}.unusual": x for name, x in prediction.unusual.items()}
    values |= {
        f"{quantity.modality}.{quantity.name}": prediction.readings[quantity.name]
        for quantity in QUANTITIES
        if quantity.name in prediction.readings
    }
    return {name: float(x[at]) for name, x in values.items()}


def gauges_of_good(predictions: Sequence[Prediction], threshold: float) -> dict[str, list[float]]:
    """The values of good scans, each gauge's in ascending order, of those that would be judged
    good: a line's other parts are not compared with them."""
    rows = [
        gauges_of(one, at)
        for one in predictions
        for at, reason in enumerate(one.not_judged)
        if not reason and one.scores[FUSED][at] <= threshold
    ]
    names = [name for name in rows[0] if all(name in row for row in rows)] if rows else []
    return {name: sorted(_rounded(row[name]) for row in rows) for name in names}


def _rounded(value: float) -> float:
    return float(np.format_float_scientific(value, precision=DIGITS - 1))
