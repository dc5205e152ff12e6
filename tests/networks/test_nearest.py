"""Blocked nearest neighbours against all distances in float64, and where rounding would rank."""

import numpy as np
import pytest
import torch

from dcrdf.networks import nearest as module
from dcrdf.networks.nearest import distances_to, nearest


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Several blocks on either side, the last ones ragged."""
    monkeypatch.setattr(module, "BLOCKS", {"cpu": (7, 11), "cuda": (7, 11)})
    monkeypatch.setattr(module, "SUMMED", 13)
    monkeypatch.setattr(module, "MEASURED", 10)


def drawn(seed, *shape, offset=0.0, scale=1.0):
    values = np.random.default_rng(seed).normal(offset, scale, shape)
    return torch.from_numpy(values.astype(np.float32))


def by_hand(queries, bank, count):
    """All m * n distances in float64, sorted: (m, count) and their rows."""
    q, m = queries.double().numpy(), bank.float().double().numpy()
    distances = np.sqrt(((q[:, None] - m[None]) ** 2).sum(axis=-1))
    rows = np.argsort(distances, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(distances, rows, axis=1), rows


@pytest.mark.parametrize("count", [1, 3, 30])
@pytest.mark.parametrize("precision", [torch.float32, torch.float16])
@pytest.mark.parametrize(("offset", "scale"), [(0.0, 1.0), (300.0, 0.05), (0.0, 1e-4)])
def test_distances_are_those_of_all_pairs(count, precision, offset, scale):
    """Also far from the origin, where |q|^2 - 2 q.m + |m|^2 alone has no digit left."""
    queries = drawn(0, 20, 9, offset=offset, scale=scale)
    bank = drawn(1, 50, 9, offset=offset, scale=scale).to(precision)
    found = nearest(queries, bank, count)
    distances, rows = by_hand(queries, bank, count)
    assert found.distances.dtype == torch.float32
    np.testing.assert_allclose(found.distances.numpy(), distances, rtol=2e-5)
    if precision == torch.float32:  # halves far out are equally far
        np.testing.assert_array_equal(found.rows.numpy(), rows)


@pytest.mark.parametrize("count", [1, 2])
def test_a_member_has_distance_zero_to_itself_among_near_twins(count):
    """Members that float32 products cannot tell apart, in other blocks."""
    base = drawn(2, 1, 16, scale=10.0)
    bank = base + 1e-4 * drawn(3, 60, 16)
    bank = torch.cat([bank, -bank])  # the centre is far from all of them
    found = nearest(bank, bank, count)
    distances, rows = by_hand(bank, bank, count)
    assert torch.equal(found.distances[:, 0], torch.zeros(len(bank)))
    assert torch.equal(found.rows[:, 0], torch.arange(len(bank)))
    np.testing.assert_allclose(found.distances.numpy(), distances, rtol=1e-3)
    np.testing.assert_array_equal(found.rows.numpy(), rows)


def test_blocks_change_nothing(monkeypatch):
    queries, bank = drawn(4, 40, 5), drawn(5, 70, 5)
    small = nearest(queries, bank, 4)
    monkeypatch.setattr(module, "BLOCKS", {"cpu": (1000, 1000), "cuda": (1000, 1000)})
    whole = nearest(queries, bank, 4)
    assert torch.equal(small.distances, whole.distances)
    assert torch.equal(small.rows, whole.rows)


def test_no_block_is_larger_than_it_may_be(monkeypatch):
    """What is held is bounded: no product is ever of all queries or of all members."""
    seen, addmm = [], torch.addmm

    def watched(*args, **kwargs):
        product = addmm(*args, **kwargs)
        seen.append(tuple(product.shape))
        return product

    monkeypatch.setattr(torch, "addmm", watched)
    nearest(drawn(6, 20, 3), drawn(7, 50, 3))
    assert len(seen) >= 15
    assert max(rows for rows, _ in seen) == 7
    assert max(columns for _, columns in seen) == 11


@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.parametrize("at", [0, 49])
def test_what_is_no_number_has_no_distance(number, at):
    queries, bank = drawn(8, 20, 3), drawn(9, 50, 3)
    damaged = bank.clone()
    damaged[at, 1] = number
    assert torch.isnan(nearest(queries, damaged).distances).all()
    queries[3, 1] = number
    distances = nearest(queries, bank).distances[:, 0]
    assert torch.equal(torch.isfinite(distances), torch.arange(20) != 3)


@pytest.mark.parametrize("count", [0, -1, 4])
def test_more_neighbours_than_members_are_refused(count):
    with pytest.raises(ValueError, match=f"{count} neighbours in a bank of 3"):
        nearest(drawn(0, 2, 3), drawn(1, 3, 3), count)


def test_autocast_does_not_reach_it():
    queries, bank = drawn(10, 20, 30), drawn(11, 50, 30)
    expected = nearest(queries, bank)
    with torch.autocast("cpu", torch.bfloat16):
        found = nearest(queries, bank)
    assert torch.equal(found.distances, expected.distances)


def test_distances_to_named_members():
    queries, bank = drawn(12, 23, 4), drawn(13, 9, 4).half()
    rows = torch.arange(23 * 3).reshape(23, 3) % 9
    expected = [
        [np.linalg.norm(queries[at].double() - bank[row].double()) for row in rows[at]]
        for at in range(23)
    ]
    np.testing.assert_allclose(distances_to(queries, bank, rows).numpy(), expected, rtol=1e-6)
