"""Pairs of scans whose depths have changed places, also among parts that look alike: told by what a
scan's edges and silhouette have that those of the others do not.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dcrdf.checks.partners import Pair

FEWEST_SCANS = 12
"""Whose mean is what all have in common."""
MIN_AGREEMENT = 0.5
"""Of the typical scan, of 2 at best: below it colour and depth share nothing of their own."""
MIN_LOSSES = 0.9
"""Of all exchanges of two scans' depths, those that must make agreements worse."""
CLEAR_SHARE = 0.3
"""Of what an exchange usually loses: who gains so much belongs to the other."""


def exchanged(pairs: Sequence[Pair]) -> list[tuple[int, int]]:
    """Numbers of scans, two by two, whose colour images agree clearly better with one another's
    depth than with their own; none where agreements cannot tell scans apart."""
    if len(pairs) < FEWEST_SCANS:
        return []
    gains = gains_of_exchange(pairs)
    first, second = np.triu_indices(len(pairs), 1)
    by_pair = gains[first, second]
    usual_loss = -float(np.median(by_pair))
    if np.isnan(usual_loss) or np.mean(by_pair < 0.0) < MIN_LOSSES:
        return []
    found: list[tuple[int, int]] = []
    for best in np.argsort(-by_pair):
        one, other = int(first[best]), int(second[best])
        if by_pair[best] <= CLEAR_SHARE * usual_loss:
            break
        if not {one, other} & {number for pair in found for number in pair}:
            found.append((one, other))
    return sorted(found)


def gains_of_exchange(pairs: Sequence[Pair]) -> NDArray[np.float64]:
    """How much better (n, n) two scans agree after an exchange of their depths; NaN throughout
    where the typical scan's own agreement is too small to say anything."""
    colour = _own_part(np.stack([pair.colour for pair in pairs]))
    surface = _own_part(np.stack([pair.surface for pair in pairs]))
    agreements = (colour @ surface.T).astype(np.float64)
    own = np.diag(agreements)
    if np.median(own) < MIN_AGREEMENT:
        return np.full(agreements.shape, np.nan)
    return np.asarray(agreements + agreements.T - own[:, None] - own[None, :])


def _own_part(pictures: NDArray[np.float16]) -> NDArray[np.float32]:
    """What each scan's pictures (n, 2, side, side) have beside the mean of all, of length one each
    (n, 2 side side)."""
    own = pictures.astype(np.float32)
    own -= own.mean(axis=0)
    lengths = np.sqrt(np.square(own).sum(axis=(2, 3), keepdims=True))
    return np.asarray((own / np.maximum(lengths, 1e-6)).reshape(len(own), -1), np.float32)
