"""Every row once an epoch, every variant once a round, all from the seed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dcrdf.training.order import epoch_batches, orientation_of_rows, variant_of_rows


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
