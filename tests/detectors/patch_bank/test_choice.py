"""Choices of places against slow loops: k centres, k-means, its elbow, projections, draws."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dcrdf.config.detectors.patch_bank import PatchBankOptions
from dcrdf.detectors.patch_bank import choice as module
from dcrdf.detectors.patch_bank.choice import chosen_places
from dcrdf.detectors.patch_bank.k_centre import farthest_rows
from dcrdf.detectors.patch_bank.k_means import elbow, k_means, standing_for
from dcrdf.detectors.patch_bank.places import Places

CHUNK = 17


def drawn(seed, count, channels, offset=0.0):
    values = np.random.default_rng(seed).normal(offset, 1.0, (count, channels))
    return torch.from_numpy(values.astype(np.float32))


def clumps(seed, sizes, channels=6, apart=40.0):
    """Clumps of very different sizes, shuffled: a draw misses the small ones."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0.0, apart, (len(sizes), channels))
    rows = np.concatenate(
        [rng.normal(at, 1.0, (n, channels)) for at, n in zip(centres, sizes, strict=True)]
    )
    return torch.from_numpy(rng.permutation(rows).astype(np.float32))


def places_of(rows):
    """Rows in ragged chunks; every pass is counted."""
    return Places(len(rows), rows.shape[1], lambda: iter(rows.split(CHUNK)))


def choose(rows, seed=0, say=lambda _: None, **options):
    generator = torch.Generator().manual_seed(seed)
    return chosen_places(places_of(rows), PatchBankOptions(**options), generator, say)


def spread(rows, bank):
    """Mean and largest squared distance of rows to their nearest member, by all pairs."""
    squares = ((rows[:, None].double() - bank[None].double()) ** 2).sum(-1).amin(1)
    return float(squares.mean()), float(squares.max())


def farthest_by_hand(rows, count):
    rows = rows.double().numpy()
    chosen = [0]
    while len(chosen) < count:
        gaps = [min(np.linalg.norm(row - rows[one]) for one in chosen) for row in rows]
        chosen.append(int(np.argmax(gaps)))
    return chosen


@pytest.mark.parametrize("offset", [0.0, 100.0])
@pytest.mark.parametrize("count", [1, 2, 15, 60])
def test_each_centre_is_the_farthest_from_those_before_it(count, offset):
    rows = drawn(0, 60, 4, offset)
    assert farthest_rows(rows, count).tolist() == farthest_by_hand(rows, count)


def test_places_that_are_there_twice_are_chosen_once():
    rows = drawn(1, 20, 3, offset=30.0)
    twice = torch.cat([rows, rows, rows])
    chosen = farthest_rows(twice, 60)
    assert len(chosen) == 20
    assert len(twice[chosen].unique(dim=0)) == 20
    assert farthest_rows(torch.ones(9, 3), 5).tolist() == [0]


@given(st.integers(0, 10**6), st.integers(1, 40))
def test_k_centres_radius_is_at_most_twice_the_best(seed, count):
    """Gonzalez's bound, by what it follows from: chosen rows are as far apart as the radius."""
    rows = drawn(seed, 40, 3)
    bank = rows[farthest_rows(rows, count)]
    radius = spread(rows, bank)[1] ** 0.5
    gaps = torch.cdist(bank.double(), bank.double()) + torch.eye(len(bank)) * 1e9
    assert len(bank) == 1 or float(gaps.min()) >= radius * (1 - 1e-3) - 1e-3


def k_means_by_hand(rows, count, iterations):
    rows = rows.double().numpy()
    centres = rows[:count].copy()
    for _ in range(iterations):
        own = [int(np.argmin(((row - centres) ** 2).sum(1))) for row in rows]
        for at in range(count):
            members = [row for row, one in zip(rows, own, strict=True) if one == at]
            if members:
                centres[at] = np.mean(members, axis=0)
    return centres


@pytest.mark.parametrize("count", [1, 4, 25])
def test_k_means_is_lloyds(count):
    rows = drawn(2, 50, 3, offset=20.0)
    centres, mean_square = k_means(rows, count)
    np.testing.assert_allclose(centres, k_means_by_hand(rows, count, 10), rtol=1e-4)
    assert mean_square == pytest.approx(spread(rows, centres)[0], rel=1e-4)


def test_a_centre_without_members_stays():
    rows = torch.tensor([[1.0], [1.0], [5.0], [6.0]])
    centres, _ = k_means(rows, 3)
    assert sorted(centres[:, 0].tolist()) == [1.0, 1.0, 5.5]


def test_places_nearest_to_centres_are_looked_for_among_all():
    rows, centres = drawn(3, 100, 4), drawn(4, 12, 4)
    expected = {
        int(np.argmin(((rows.double() - centre.double()) ** 2).sum(1).numpy()))
        for centre in centres
    }
    found = standing_for(torch.cat([centres, centres[:3]]), places_of(rows))
    assert found.tolist() == sorted(expected)


@pytest.mark.parametrize("options", [{}, {"projection": 3}, {"sampled_max": 150}])
@pytest.mark.parametrize("select", ["kmeans", "k_centre"])
def test_a_choice_is_of_real_places_each_once_and_covers_more_than_a_draw(select, options):
    rows = clumps(5, [400, 40, 40, 10, 10])
    mean, widest = spread(rows, rows[choose(rows, select=select, bank_size=12, **options)])
    draws = [spread(rows, rows[choose(rows, seed, bank_size=12)]) for seed in range(10)]
    chosen = choose(rows, select=select, bank_size=12, **options)
    assert len(chosen) == len(set(chosen.tolist())) <= 12
    assert 0 <= min(chosen) <= max(chosen) < 500
    assert len(chosen) == 12 or select == "kmeans"
    assert widest < np.median([one[1] for one in draws])
    if select == "kmeans":
        assert mean < np.median([one[0] for one in draws])


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({"bank_share": 0.1}, 20),
        ({"bank_share": 0.1, "bank_max": 7}, 7),
        ({"bank_size": 30, "bank_max": 7}, 30),
        ({"bank_size": 900}, 200),
        ({"bank_size": 1}, 1),
    ],
)
@pytest.mark.parametrize("select", ["random", "k_centre"])
def test_how_many_are_chosen(select, options, count):
    rows = drawn(6, 200, 3)
    assert len(choose(rows, select=select, **options)) == count


@pytest.mark.parametrize("sampled_max", [50, 500])
def test_only_sampled_places_become_centres(sampled_max):
    rows = drawn(7, 200, 3)
    sampled = torch.randperm(200, generator=torch.Generator().manual_seed(5))[:sampled_max]
    chosen = choose(rows, 5, select="k_centre", bank_size=9, sampled_max=sampled_max)
    assert chosen.tolist() == sampled[farthest_by_hand(rows[sampled], 9)].tolist()


@pytest.mark.parametrize("select", ["random", "kmeans", "k_centre"])
def test_the_seed_decides(select):
    rows = drawn(8, 200, 5)
    options = {"select": select, "bank_size": 10}
    if select != "random":
        options |= {"projection": 2, "sampled_max": 100}
    one, again, other = (choose(rows, seed, **options) for seed in (3, 3, 4))
    assert torch.equal(one, again)
    assert set(one.tolist()) != set(other.tolist())


def test_rows_come_in_the_order_asked_for():
    rows = drawn(9, 100, 4)
    numbers = torch.tensor([99, 0, 16, 17, 40, 3])
    assert torch.equal(places_of(rows).rows(numbers), rows[numbers])


@pytest.mark.parametrize("columns", [1, 5, 11])
def test_a_projection_keeps_distances_in_the_mean(columns):
    rows = drawn(10, 100, 12)
    generator = torch.Generator().manual_seed(0)
    places = places_of(rows).projected(columns, generator)
    shown = places.rows(torch.arange(100))
    assert shown.shape == (100, columns) == (places.total, places.channels)
    basis = torch.linalg.lstsq(rows.double(), shown.double()).solution
    expected = torch.eye(columns, dtype=torch.float64) * 12 / columns
    torch.testing.assert_close(basis.T @ basis, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("columns", [0, 12, 13])
def test_no_projection_where_nothing_is_left_out(columns):
    places = places_of(drawn(11, 30, 12))
    assert places.projected(columns, torch.Generator()) is places


@pytest.mark.parametrize(
    ("sizes", "spreads", "best"),
    [
        ((512, 1024, 2048, 4096), (10.0, 3.0, 2.5, 2.4), 1),
        ((512, 1024, 2048, 4096), (10.0, 9.0, 2.5, 2.4), 2),
        ((1, 2, 3), (3.0, 2.0, 1.0), 2),  # a straight line has no elbow
        ((1, 2, 3), (3.0, 2.9, 1.0), 2),
        ((1, 2, 3), (1.0, 1.0, 1.0), 2),
        ((1, 2), (2.0, 1.0), 1),
        ((7,), (1.0,), 0),
    ],
)
def test_the_elbow_is_farthest_below_the_chord(sizes, spreads, best):
    assert elbow(sizes, spreads) == best


def test_the_elbow_of_clumps_is_their_number_and_is_told(monkeypatch):
    monkeypatch.setattr(module, "ELBOW_SIZES", (2, 4, 8, 16, 32, 5000))
    rows, told = clumps(12, [40] * 8, apart=100.0), []
    chosen = choose(rows, select="kmeans", bank_size="elbow", say=told.append)
    assert len(chosen) in (8, 16)  # random starts leave some clumps together
    assert len(told) == 1
    assert "2: " in told[0]
    assert "32: " in told[0]
    assert "5000" not in told[0]
    assert f"; {len(chosen)} are taken" in told[0]


def test_the_elbow_of_few_places_takes_them_all():
    rows = drawn(13, 40, 3)
    assert choose(rows, select="kmeans", bank_size="elbow").tolist() == list(range(40))
