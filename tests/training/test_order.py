"""Every row once an epoch, every variant once a round, all from the seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcrdf.config.options import TrainOptions
from dcrdf.training.order import (
    batch_size_for,
    chance_of_batch,
    epoch_batches,
    orientation_of_rows,
    variant_of_rows,
)


@given(st.integers(1, 50), st.integers(1, 20), st.integers(0, 2**63), st.integers(0, 1000))
def test_every_row_once(count, batch_size, seed, epoch):
    batches = list(epoch_batches(count, batch_size, seed, epoch))
    assert sorted(np.concatenate(batches).tolist()) == list(range(count))
    assert all(len(batch) == batch_size for batch in batches[:-1])


@given(st.integers(1, 20), st.integers(1, 8), st.integers(0, 2**63), st.integers(0, 20))
def test_every_variant_once_a_round(count, variants, seed, round_number):
    epochs = range(round_number * variants, (round_number + 1) * variants)
    turns = np.stack([variant_of_rows(count, variants, seed, epoch) for epoch in epochs])
    assert (np.sort(turns, axis=0) == np.arange(variants)[:, None]).all()


def test_epochs_and_seeds_differ():
    orders = [np.concatenate(list(epoch_batches(50, 50, seed, epoch))).tolist()
              for seed, epoch in [(0, 0), (0, 1), (1, 0)]]  # fmt: skip
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_orientations_and_variants_do_not_go_together():
    turns = [f(200, 8, 0, 0) for f in (orientation_of_rows, variant_of_rows)]
    assert abs(np.corrcoef(*turns)[0, 1]) < 0.3
    assert set(turns[0]) == set(range(8))


def test_chances_of_batches_are_even_and_repeat():
    def draw():
        return [
            chance_of_batch(rows, 5, epoch, what)
            for epoch in range(40)
            for rows in epoch_batches(30, 4, 5, epoch)
            for what in (0, 1)
        ]

    chances = draw()
    assert chances == draw()
    assert len(set(chances)) == len(chances) == 40 * 8 * 2
    assert np.mean(np.less(chances, 0.3)) == pytest.approx(0.3, abs=0.06)
    assert abs(np.corrcoef(chances[::2], chances[1::2])[0, 1]) < 0.15


@pytest.mark.parametrize(
    ("min_steps", "batch_size", "samples", "expected"),
    [
        (0, 16, 60, 16),
        (150, 16, 60, 16),  # 40 x 60 / 16 = 150 steps
        (151, 16, 60, 8),
        (600, 16, 60, 4),
        (10_000, 16, 60, 4),
        (10_000, 12, 60, 6),  # half of it would be below four
        (10_000, 3, 60, 3),
        (600, 16, 1000, 16),
    ],
)
def test_few_images_make_smaller_batches(min_steps, batch_size, samples, expected):
    options = TrainOptions(epochs=40, batch_size=batch_size, min_steps=min_steps)
    assert batch_size_for(options, samples) == expected
