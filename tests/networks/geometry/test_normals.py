"""Normals against numpy's eigenvectors of neighbourhoods by loops."""

import numpy as np
import pytest
import torch

from dcrdf.networks.geometry.normals import normals


def slow_normals(points, neighbours):
    """Pixel -> unit normal towards the camera, for those with four neighbours."""
    found = {}
    for (y, x), places in neighbours.items():
        if len(places) >= 4:
            cloud = np.array([points[:, v, u] for v, u in places])
            normal = np.linalg.eigh(np.cov(cloud.T, bias=True))[1][:, 0]
            found[y, x] = -normal if normal @ points[:, y, x] > 0 else normal
    return found


@pytest.mark.parametrize("relief_m", [5e-5, 1e-5], ids=["wavy", "a tenth of a millimetre at 0.6 m"])
@pytest.mark.parametrize("radius", [1, 2])
def test_against_eigh(make_cloud, slow_neighbours, as_arrays, relief_m, radius):
    points, inside = make_cloud(radius, relief_m=relief_m, holes=0.25)
    vectors, given = normals(points, inside, radius)
    cloud, mask = as_arrays(points, inside)
    expected = slow_normals(cloud, slow_neighbours(cloud, mask, radius))
    assert {tuple(at) for at in given[0].nonzero().tolist()} == set(expected)
    for (y, x), normal in expected.items():
        found = vectors[0, :, y, x].double().numpy()
        assert np.linalg.norm(np.cross(found, normal)) < 1e-5
        assert found @ normal > 0.0
    assert not vectors[0, :, ~given[0]].any()


def test_raw_squares_would_not_do(make_cloud, slow_neighbours, as_arrays):
    """The same sums of coordinates in float32 are a hundred times off: no easy test above."""
    points, inside = make_cloud(0, relief_m=1e-5, holes=0.0)
    cloud, mask = as_arrays(points, inside)
    expected = slow_normals(cloud, slow_neighbours(cloud, mask, 2))[5, 5]
    window = points[0, :, 3:8, 3:8].flatten(1)
    mean = window.mean(dim=1)
    raw = (window @ window.T / window.shape[1] - torch.outer(mean, mean)).double().numpy()
    assert np.linalg.norm(np.cross(np.linalg.eigh(raw)[1][:, 0], expected)) > 1e-3


def test_a_tilted_plane_has_its_normal_everywhere():
    y, x = torch.meshgrid(torch.arange(6.0), torch.arange(7.0), indexing="ij")
    points = torch.stack([x * 1e-3, y * 1e-3, 0.5 + 1e-3 * (0.5 * x - 0.25 * y)])[None]
    vectors, given = normals(points, torch.ones(1, 6, 7, dtype=torch.bool))
    expected = torch.tensor([0.5, -0.25, -1.0]) / torch.tensor([0.5, -0.25, -1.0]).norm()
    assert given.all()
    torch.testing.assert_close(
        vectors, expected.view(1, 3, 1, 1).expand_as(vectors), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("pixels", [[], [(2, 2)], [(2, 1), (2, 2), (2, 3), (1, 2)]])
def test_parts_of_a_few_pixels_have_none(make_cloud, pixels):
    points, _ = make_cloud(0, holes=0.0)
    inside = torch.zeros(points.shape[0], *points.shape[2:], dtype=torch.bool)
    for y, x in pixels:
        inside[0, y, x] = True
    vectors, given = normals(points, inside)
    assert not given.any()
    assert not vectors.any()


def test_points_on_a_line_have_none():
    points = torch.stack([torch.arange(9.0) * 1e-3, torch.zeros(9), torch.full((9,), 0.5)])
    _, given = normals(points.view(1, 3, 1, 9), torch.ones(1, 1, 9, dtype=torch.bool), 4)
    assert not given.any()


def test_clouds_of_a_batch_do_not_touch(make_cloud):
    clouds = [make_cloud(seed) for seed in (1, 2)]
    points, inside = (torch.cat(x) for x in zip(*clouds, strict=True))
    points[1] *= 2.0  # another pitch
    together = normals(points, inside)
    for i in range(2):
        alone = normals(points[i : i + 1], inside[i : i + 1])
        assert all(torch.equal(x[i : i + 1], y) for x, y in zip(together, alone, strict=True))
