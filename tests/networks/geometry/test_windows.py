"""Windows, reach and pitch against loops over all pairs of pixels."""

import itertools

import pytest
import torch

from dcrdf.networks.geometry.windows import (
    add_at_both_ends,
    at_places,
    ends,
    half_window,
    pairs,
    pitch_m,
    thinned,
    whole_window,
)


@pytest.mark.parametrize("size", [(5, 6), (1, 7), (7, 1), (1, 1), (2, 3)])
def test_every_pair_of_a_window_comes_up_once(size):
    height, width = size
    numbers = torch.arange(height * width).view(size)
    found = [
        frozenset(pair)
        for offset in half_window(2)
        for pair in zip(*(end.flatten().tolist() for end in ends(numbers, offset)), strict=True)
    ]
    places = list(itertools.product(range(height), range(width)))
    near = {
        frozenset((a[0] * width + a[1], b[0] * width + b[1]))
        for a, b in itertools.combinations(places, 2)
        if max(abs(a[0] - b[0]), abs(a[1] - b[1])) <= 2
    }
    assert len(found) == len(set(found))
    assert set(found) == near
    assert len(whole_window(2)) == len(set(whole_window(2))) == 24


def test_both_ends_get_a_pairs_value():
    sums = torch.zeros(1, 2, 3)
    add_at_both_ends(sums, (0, 1), torch.tensor([[[1.0, 2.0], [4.0, 8.0]]]))
    assert sums.tolist() == [[[1.0, 3.0, 2.0], [4.0, 12.0, 8.0]]]


@pytest.mark.parametrize("seed", range(3))
def test_pitch_is_the_median_step_to_the_right(make_cloud, slow_pitch, as_arrays, seed):
    points, inside = make_cloud(seed, holes=0.3)
    expected = slow_pitch(*as_arrays(points, inside))
    assert pitch_m(points, inside).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("size", [(4, 1), (1, 1), (3, 5)])
def test_without_neighbours_there_is_no_pitch(size):
    inside = torch.zeros((2, *size), dtype=torch.bool)
    inside[1, 0, 0] = True
    assert pitch_m(torch.ones(2, 3, *size), inside).tolist() == [0.0, 0.0]


def test_neighbours_are_inside_and_within_reach(make_cloud, slow_neighbours, as_arrays):
    points, inside = make_cloud(0)
    points[:, 2, :, 7:] += 0.004  # a step beyond the reach
    points[..., ~inside[0]] = 0.0
    height, width = inside.shape[1:]
    numbers = torch.arange(height * width).view(1, height, width)
    found = {tuple(at): set() for at in inside[0].nonzero().tolist()}
    for pair in pairs(points, inside, 2):
        for a, b in zip(*(e[pair.count].tolist() for e in ends(numbers, pair.offset)), strict=True):
            found[divmod(a, width)].add(divmod(b, width))
            found[divmod(b, width)].add(divmod(a, width))
    expected = slow_neighbours(*as_arrays(points, inside), 2)
    assert found == {at: set(places) for at, places in expected.items()}
    assert all((x < 7) == (u < 7) for (_, x), places in found.items() for _, u in places)


def test_places_are_the_same_pixels_at_half_the_size():
    image = torch.arange(16 * 12).view(1, 16, 12)
    assert torch.equal(at_places(thinned(image, 2), 2), at_places(image, 4))
    assert at_places(image, 4)[0, 0].tolist() == [13, 17, 21]
    assert thinned(torch.zeros(7, 9), 2).shape == (3, 4)
