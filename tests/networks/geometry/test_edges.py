"""The edge response against loops."""

import math

import numpy as np
import pytest
import torch

from dcrdf.networks.geometry.edges import edge_response
from dcrdf.networks.geometry.normals import normals


@pytest.mark.parametrize("radius", [1, 2])
def test_against_loops(make_cloud, slow_neighbours, as_arrays, radius):
    points, inside = make_cloud(3, holes=0.3)
    vectors, given = normals(points, inside)
    response = edge_response(points, vectors, given, radius)
    cloud, directions, mask = as_arrays(points, vectors, given)
    expected = np.zeros(mask.shape)
    for (y, x), places in slow_neighbours(cloud, mask, radius).items():
        angles = []
        for v, u in places:
            n, other = directions[:, y, x], directions[:, v, u]
            angles.append(math.atan2(np.linalg.norm(np.cross(n, other)), abs(n @ other)))
        expected[y, x] = np.mean(angles) if angles else 0.0
    assert expected.max() > 0.05
    np.testing.assert_allclose(response[0].numpy(), expected, atol=1e-6)


def test_signs_of_normals_do_not_matter(make_cloud):
    points, inside = make_cloud(0)
    vectors, given = normals(points, inside)
    flipped = vectors.clone()
    flipped[..., ::2] *= -1.0
    expected = edge_response(points, vectors, given)
    torch.testing.assert_close(edge_response(points, flipped, given), expected, atol=1e-6, rtol=0)


def test_a_roofs_ridge_by_hand():
    """Two planes at a right angle: 3 of 8 neighbours lie beyond the ridge."""
    columns = torch.arange(-3.0, 3.0) + 0.5
    z = 0.5 + 1e-3 * columns.abs().expand(5, 6)
    y = torch.arange(5.0)[:, None].expand(5, 6)
    points = torch.stack([1e-3 * columns.expand(5, 6), 1e-3 * y, z])[None]
    side = torch.where(columns < 0, -1.0, 1.0).expand(5, 6)
    vectors = torch.stack([side, torch.zeros(5, 6), torch.full((5, 6), -1.0)])[None] / 2**0.5
    response = edge_response(points, vectors, torch.ones(1, 5, 6, dtype=torch.bool), 1)[0]
    assert response[2].tolist() == pytest.approx(
        [0.0, 0.0, 3 / 8 * math.pi / 2, 3 / 8 * math.pi / 2, 0.0, 0.0], abs=1e-6
    )


def test_without_normals_there_is_no_response(make_cloud):
    points, inside = make_cloud(0)
    nothing = torch.zeros_like(inside)
    assert not edge_response(points, torch.zeros_like(points), nothing).any()
    nothing[0, 4, 4] = True
    assert not edge_response(points, torch.ones_like(points), nothing).any()
