"""Voxels against a dictionary, and which edges are kept."""

import math
import statistics

import numpy as np
import pytest
import torch

from dcrdf.networks.geometry.voxels import adaptive, cubes, edge_points, splits_of


@pytest.fixture
def cloud():
    """A sheet, half of it ten times as dense, far from the origin."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(0, 0.5, 800), rng.uniform(0.5, 1.0, 80)])
    y = rng.uniform(0, 1, len(x))
    return torch.from_numpy(np.stack([x, y, 20 + 0.3 * np.sin(6 * x)], axis=1))


def by_cells(points, side):
    corner = points.min(axis=0)
    cells = {}
    for i, point in enumerate(points):
        cell = tuple(math.floor((point[a] - corner[a]) / side) for a in range(3))
        cells.setdefault(cell, []).append(i)
    return cells


def slow_adaptive(points, smallest, largest, alpha):
    """Cell and part -> points, by dictionaries."""
    cells = by_cells(points, largest)
    typical = statistics.median_low(len(members) for members in cells.values())
    corner, voxels = points.min(axis=0), {}
    for cell, members in cells.items():
        density = len(members) / typical
        size = smallest + (largest - smallest) * math.exp(-alpha * density)
        split = round(largest / size)
        for i in members:
            inner = [(points[i][a] - corner[a]) / largest - cell[a] for a in range(3)]
            part = tuple(min(math.floor(share * split), split - 1) for share in inner)
            voxels.setdefault((cell, part), []).append(i)
    return voxels


def groups_of(voxels):
    found = {}
    for i, number in enumerate(voxels.number.tolist()):
        found.setdefault(number, []).append(i)
    assert sorted(found) == list(range(voxels.count))
    return sorted(found.values())


@pytest.mark.parametrize("side", [0.05, 0.11, 0.4, 3.0])
def test_cubes_against_a_dictionary(cloud, side):
    expected = by_cells(cloud.numpy(), side)
    assert groups_of(cubes(cloud, side)) == sorted(expected.values())


@pytest.mark.parametrize("alpha", [0.2, 0.7, 2.0])
@pytest.mark.parametrize("smallest", [0.05, 0.066])
def test_adaptive_against_a_dictionary(cloud, smallest, alpha):
    expected = slow_adaptive(cloud.numpy(), smallest, 0.2, alpha)
    voxels = adaptive(cloud, smallest, 0.2, alpha)
    assert groups_of(voxels) == sorted(expected.values())
    assert len(by_cells(cloud.numpy(), 0.2)) < voxels.count < len(cloud)
    values = torch.arange(2.0 * len(cloud), dtype=torch.float64).view(-1, 2)
    means = voxels.means(values)
    for members in expected.values():
        number = int(voxels.number[members[0]])
        np.testing.assert_allclose(means[number], values[members].numpy().mean(axis=0), rtol=1e-12)
    assert voxels.sizes.sum() == len(cloud)


def test_dense_places_are_split_finer_and_alpha_has_its_limits(cloud):
    splits = splits_of(torch.tensor([1, 10, 10, 10, 100]), 0.25, 0.7)
    assert splits.tolist() == [1, 2, 2, 2, 4]
    assert groups_of(adaptive(cloud, 0.05, 0.2, 0.0)) == groups_of(cubes(cloud, 0.2))
    assert set(splits_of(torch.tensor([1, 2, 3]), 0.25, 1e6).tolist()) == {4}


def test_means_of_float32_far_away_are_exact():
    points = torch.tensor([[0.0, 0.0, 0.6], [1e-4, 0.0, 0.6001]] * 5000)
    mean = cubes(points, 1.0).means(points)[0]
    expected = points.double().numpy().mean(axis=0)
    np.testing.assert_allclose(mean.double(), expected, rtol=1e-7)


def test_single_points_and_no_points():
    none, one = torch.zeros(0, 3), torch.ones(1, 3)
    for make in (lambda x: cubes(x, 0.1), lambda x: adaptive(x, 0.1, 0.4)):
        assert make(none).count == 0
        assert make(none).means(none).shape == (0, 3)
        assert make(one).means(one).tolist() == [[1.0, 1.0, 1.0]]


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda x: cubes(x, 0.0), "voxels of 0.0 m"),
        (lambda x: cubes(x, math.nan), "voxels of nan m"),
        (lambda x: cubes(x, 1e-8), "too small"),
        (lambda x: adaptive(x, 0.4, 0.1), "0.4 to 0.1"),
        (lambda x: adaptive(x, 0.0, 0.1), "0.0 to 0.1"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(cloud, make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make(cloud)


def test_edges_above_the_threshold_are_kept():
    response = torch.tensor([0.1, 0.9, 0.2, 0.5, 0.8, 0.3, 0.4, 0.5, 0.0, 0.6])
    assert edge_points(response, 0.5, most=0.5).tolist() == [1, 4, 9]
    assert edge_points(response, 0.95).tolist() == []
    assert edge_points(response[:0], 0.5).tolist() == []


def test_of_too_many_edges_the_sharpest_are_kept():
    response = torch.tensor([0.1, 0.9, 0.2, 0.5, 0.8, 0.3, 0.5, 0.5, 0.0, 0.6])
    assert edge_points(response, 0.0).tolist() == [1]
    assert edge_points(response, 0.0, most=0.4).tolist() == [1, 3, 4, 9]  # of equal ones the first
