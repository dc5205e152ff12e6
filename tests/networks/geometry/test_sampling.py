"""The way down to samples and back."""

import numpy as np
import pytest
import torch

from dcrdf.networks.geometry import interpolation
from dcrdf.networks.geometry.edges import edge_response
from dcrdf.networks.geometry.interpolation import interpolated
from dcrdf.networks.geometry.normals import normals
from dcrdf.networks.geometry.sampling import SamplingRule, by_samples, sampled
from dcrdf.networks.geometry.voxels import cubes
from dcrdf.networks.geometry.windows import pitch_m

FIXED = SamplingRule(largest_pitches=3.0, alpha=None)


@pytest.fixture
def surface(make_cloud):
    """Points, normals, where, edge response."""
    points, inside = make_cloud(0, (16, 16))
    vectors, given = normals(points, inside)
    return points, vectors, given, edge_response(points, vectors, given)


def test_samples_are_voxel_means_and_then_edges(surface):
    points, vectors, given, response = (x[0] for x in surface)
    cloud, directions = points[:, given].T, vectors[:, given].T
    pitch = 4e-4
    edges = response[given]
    threshold = float(edges.quantile(0.95))
    rule = SamplingRule(largest_pitches=3.0, alpha=None, edge_threshold=threshold)
    samples = sampled(cloud, edges, pitch, rule)
    voxels = cubes(cloud, 3.0 * pitch)
    sharp = torch.nonzero(edges > threshold)[:, 0]
    assert 0 < len(sharp) < 0.1 * len(cloud)
    assert len(samples) == voxels.count + len(sharp)
    assert torch.equal(samples.of(cloud)[: voxels.count], voxels.means(cloud))
    assert torch.equal(samples.of(cloud)[voxels.count :], cloud[sharp])
    lengths = samples.directions(directions).norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones_like(lengths))
    assert not samples.directions(torch.zeros_like(directions)).any()


def test_adaptive_sizes_are_in_pitches(surface):
    points, _, given, response = (x[0] for x in surface)
    cloud, edges = points[:, given].T, response[given]
    near = sampled(cloud, edges, 4e-4, SamplingRule())
    far = sampled(3.0 * cloud, edges, 12e-4, SamplingRule())
    assert len(near) == len(far) < len(cloud)


def test_values_that_are_the_same_everywhere_come_back(surface):
    points, vectors, given, response = surface
    values = torch.full((1, 2, 16, 16), 3.0)
    found, here = by_samples(values, points, vectors, given, response, FIXED, 4)
    assert found.shape == (1, 2, 4, 4)
    assert here.all()
    torch.testing.assert_close(found, torch.full_like(found, 3.0))


def test_each_image_of_a_batch_by_its_own_samples(make_cloud):
    clouds = [make_cloud(seed, (12, 12)) for seed in range(2)]
    points, inside = (torch.cat(x) for x in zip(*clouds, strict=True))
    points[1] *= 2.0
    vectors, given = normals(points, inside)
    response = torch.zeros_like(points[:, 0])
    values = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 1, 12, 12))).float()
    found, here = by_samples(values, points, vectors, given, response, FIXED)
    for i in range(2):
        cloud, directions, features = (x[i][:, given[i]].T for x in (points, vectors, values))
        side_m = 3.0 * float(pitch_m(points, given)[i])
        voxels = cubes(cloud, side_m)
        means = voxels.means(directions)
        expected, _ = interpolated(
            cloud, directions, voxels.means(cloud), means / means.norm(dim=1, keepdim=True),
            voxels.means(features), within_m=2 * side_m, sigma_m=side_m / 2,
        )  # fmt: skip
        torch.testing.assert_close(found[i][:, given[i]].T, expected)
    assert torch.equal(here, given)


def test_nothing_and_single_points(surface):
    points, vectors, _, response = surface
    for pixels in ([], [(3, 3)]):
        given = torch.zeros(1, 16, 16, dtype=torch.bool)
        for y, x in pixels:
            given[0, y, x] = True
        found, here = by_samples(torch.ones(1, 2, 16, 16), points, vectors, given, response, FIXED)
        assert not found.any()
        assert not here.any()


def test_of_every_second_pixel_alone(surface):
    points, vectors, given, response = surface
    values = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 2, 16, 16))).float()
    everywhere, where = by_samples(values, points, vectors, given, response, FIXED)
    kept = [x[..., 1::2, 1::2] for x in (everywhere, where)]
    found, here = by_samples(values, points, vectors, given, response, FIXED, 2, asked_px=2)
    torch.testing.assert_close(found, kept[0])
    assert torch.equal(here, kept[1])
    means, _ = by_samples(values, points, vectors, given, response, FIXED, 4, asked_px=2)
    expected = interpolation.place_means(*kept, 2)[0]
    torch.testing.assert_close(means, expected)
