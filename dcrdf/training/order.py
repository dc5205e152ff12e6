"""Which samples and variants come when: drawn from the seed and the epoch, never from a state."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import TrainOptions

SMALLEST_BATCH = 4
"""A batch is not halved below this for the sake of `min_steps`: batch norms need samples."""


def batch_size_for(options: TrainOptions, sample_count: int) -> int:
    """`batch_size`, halved until so many samples make `min_steps` steps, or it is too small."""
    size = options.batch_size
    while size >= 2 * SMALLEST_BATCH and options.epochs * sample_count < options.min_steps * size:
        size //= 2
    return size


def epoch_batches(count: int, batch_size: int, seed: int, epoch: int) -> Iterator[NDArray[np.intp]]:
    """Row numbers of each batch of an epoch; every row once, the last batch may be smaller."""
    order = np.random.default_rng([seed, epoch, 0]).permutation(count)
    for start in range(0, count, batch_size):
        yield order[start : start + batch_size]


def variant_of_rows(count: int, variants: int, seed: int, epoch: int) -> NDArray[np.intp]:
    """The variant each row shows in an epoch: all of a row's variants once in `variants` epochs."""
    return _turn_of_rows(count, variants, seed, epoch, stream=1)


def orientation_of_rows(count: int, orientations: int, seed: int, epoch: int) -> NDArray[np.intp]:
    """The orientation each row shows in an epoch: each once in `orientations` epochs."""
    return _turn_of_rows(count, orientations, seed, epoch, stream=2)


def chance_of_batch(rows: NDArray[np.intp], seed: int, epoch: int, what: int) -> float:
    """A number in [0, 1) for a batch, which its first row tells from the others of the epoch;
    another one for another `what`."""
    return float(np.random.default_rng([seed, epoch, 3, int(rows[0]), what]).random())


def _turn_of_rows(count: int, turns: int, seed: int, epoch: int, stream: int) -> NDArray[np.intp]:
    round_number, turn = divmod(epoch, turns)
    generator = np.random.default_rng([seed, round_number, stream])
    orders = np.argsort(generator.random((count, turns)), axis=1)
    turn_of_rows: NDArray[np.intp] = orders[:, turn]
    return turn_of_rows
