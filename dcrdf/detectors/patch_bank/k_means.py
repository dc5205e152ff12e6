"""k-means of places, the real places that stand for its centres, and how many are enough."""

from collections.abc import Sequence

import torch
from torch import Tensor

from dcrdf.detectors.patch_bank.places import Places
from dcrdf.networks.nearest import nearest

ITERATIONS = 10
ELBOW_SIZES = (512, 1024, 2048, 4096, 8192, 16_384)


def k_means(rows: Tensor, count: int) -> tuple[Tensor, float]:
    """Centres (count, C) of rows (n, C) that come in random order, and the mean squared distance
    of a row to its centre.

    Lloyd's algorithm, started at the first rows; a centre that nothing is nearest to stays.
    """
    centres = rows[:count].clone()
    for _ in range(ITERATIONS):
        own = nearest(rows, centres).rows[:, 0]
        sums = torch.zeros_like(centres).index_add_(0, own, rows)
        sizes = rows.new_zeros(count, 1).index_add_(0, own, rows.new_ones(len(rows), 1))
        centres = torch.where(sizes > 0, sums / sizes.clamp_min(1), centres)
    distances = nearest(rows, centres).distances
    return centres, float(distances.double().square().mean())


def standing_for(centres: Tensor, places: Places) -> Tensor:
    """Numbers, ascending and each once, of the places that are nearest to one of the centres."""
    best = centres.new_full((len(centres),), torch.inf)
    numbers = torch.zeros(len(centres), dtype=torch.long, device=centres.device)
    first = 0
    for chunk in places.chunks():
        distances, rows = (x[:, 0] for x in nearest(centres, chunk))
        nearer = distances < best
        best = torch.where(nearer, distances, best)
        numbers = torch.where(nearer, rows + first, numbers)
        first += len(chunk)
    return numbers.unique().cpu()


def elbow(sizes: Sequence[float], spreads: Sequence[float]) -> int:
    """Which point of a falling curve lies farthest below the chord between its ends, both axes
    scaled to [0, 1]; the last one of a curve that lies nowhere below it."""
    x, y = (torch.tensor(values, dtype=torch.float64) for values in (sizes, spreads))
    width, height = x[-1] - x[0], y[0] - y[-1]
    if width <= 0 or height <= 0:
        return len(sizes) - 1
    below = 1.0 - (x - x[0]) / width - (y - y[-1]) / height
    return int(below.argmax()) if float(below.max()) > 0 else len(sizes) - 1
