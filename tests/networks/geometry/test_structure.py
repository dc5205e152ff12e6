"""The nine numbers against numpy's eigenvalues of neighbourhoods by loops."""

import numpy as np
import pytest
import torch

from dcrdf.networks.geometry.edges import edge_response
from dcrdf.networks.geometry.normals import normals
from dcrdf.networks.geometry.structure import plane_normals, shape_of, structure

UPRIGHT = torch.tensor([[0.0, 0.6, 0.8]])


def slow_structure(points, neighbours):
    """Pixel -> linearity, planarity, root of the variation, slope, for those with 4 neighbours."""
    found = {}
    for at, places in neighbours.items():
        if len(places) >= 4:
            cloud = np.array([points[:, *place] for place in places])
            (c, b, a), vectors = np.linalg.eigh(np.cov(cloud.T, bias=True))
            slope = abs(vectors[:, 0] @ UPRIGHT[0].double().numpy())
            found[at] = [(a - b) / a, (b - c) / a, np.sqrt(c / (a + b + c)), slope]
    return found


def test_against_loops(make_cloud, slow_neighbours, as_arrays):
    points, inside = make_cloud(0, relief_m=1e-4, holes=0.4)
    found, given = structure(points, inside, UPRIGHT)
    cloud, mask = as_arrays(points, inside)
    expected = [slow_structure(cloud, slow_neighbours(cloud, mask, radius)) for radius in (2, 4)]
    response = edge_response(points, *normals(points, inside))
    assert found.shape == (1, 9, *mask.shape)
    for y, x in np.ndindex(mask.shape):
        both = all((y, x) in one for one in expected)
        assert bool(given[0, y, x]) == both
        numbers = np.zeros(9)
        if both:
            numbers = [*expected[0][y, x], *expected[1][y, x], response[0, y, x]]
        np.testing.assert_allclose(found[0, :, y, x].numpy(), numbers, atol=2e-4)


def test_lines_planes_and_balls():
    values = torch.tensor([[2.0, 0.0, -1e-9], [2.0, 2.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    found = shape_of(values)
    assert found[:3, :2].tolist() == [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    assert found[:, 2].tolist() == pytest.approx([0.0, 0.0, 3**-0.5, 0.0])
    assert not found[3].any()


def test_the_plane_of_a_cloud_far_away(make_cloud):
    clouds = [make_cloud(seed) for seed in range(2)]
    points, inside = (torch.cat(x) for x in zip(*clouds, strict=True))
    points[1, 2] += points[1, 0] * 0.5
    found = plane_normals(points, inside)
    for i in range(2):
        cloud = points[i][:, inside[i]].double().numpy()
        normal = np.linalg.svd((cloud - cloud.mean(axis=1, keepdims=True)).T)[2][2]
        assert abs(found[i].double().numpy() @ normal) == pytest.approx(1.0, abs=1e-6)


def test_nothing_inside_gives_nothing(make_cloud):
    points, inside = make_cloud(0)
    nothing = torch.zeros_like(inside)
    assert not plane_normals(points, nothing).any()
    found, given = structure(points, nothing, UPRIGHT)
    assert not found.any()
    assert not given.any()
