"""Histograms against a slow loop over ordered pairs, and what turning and mirroring do to them."""

import math

import numpy as np
import pytest
import torch

from dcrdf.networks.geometry.fpfh import CHANNELS, fpfh, fpfh_map, pair_features
from dcrdf.networks.geometry.normals import normals
from dcrdf.networks.geometry.windows import thinned


def slow_pair(p, q, n_p, n_q):
    """theta, alpha, phi of Rusu's pair, seen from p."""
    d = q - p
    length = math.sqrt(d @ d)
    if length == 0.0:
        return 0.0, 0.0, 0.0
    source, target = n_p, n_q
    phi = n_p @ d / length
    if math.acos(min(abs(n_p @ d / length), 1)) > math.acos(min(abs(n_q @ d / length), 1)):
        source, target, d = n_q, n_p, -d
        phi = source @ d / length
    v = np.cross(d, source)
    if not v.any():
        return 0.0, 0.0, 0.0
    v = v / np.linalg.norm(v)
    w = np.cross(source, v)
    return math.atan2(w @ target, source @ target), v @ target, phi


def slow_shares(place, places, points, vectors):
    """A point's own histogram, in percent of its pairs."""
    histogram = np.zeros(33)
    for other in places:
        theta, alpha, phi = slow_pair(
            *(x[:, *at] for x in (points, vectors) for at in (place, other))
        )
        bins = (theta + math.pi) / (2 * math.pi), (alpha + 1) / 2, (phi + 1) / 2
        for block, share in enumerate(bins):
            histogram[11 * block + min(max(math.floor(11 * share), 0), 10)] += 100.0 / len(places)
    return histogram


def slow_fpfh(points, vectors, neighbours):
    """Open3D's sums: every neighbour's histogram over its squared distance, blocks of 100."""
    shares = {at: slow_shares(at, places, points, vectors) for at, places in neighbours.items()}
    found = {}
    for at, places in neighbours.items():
        sums = np.zeros(33)
        for other in places:
            squared = ((points[:, *other] - points[:, *at]) ** 2).sum()
            if squared > 0.0:
                sums += shares[other] / squared
        for block in range(0, 33, 11):
            total = sums[block : block + 11].sum()
            if total > 0.0:
                sums[block : block + 11] *= 100.0 / total
        found[at] = shares[at] + sums
    return found


@pytest.fixture
def surface(make_cloud):
    points, inside = make_cloud(0, (10, 11), relief_m=1e-4, holes=0.2)
    vectors, given = normals(points, inside)
    return points.double(), vectors.double(), given


@pytest.mark.parametrize(("radius", "place_px"), [(2, 1), (3, 2), (4, 1)])
def test_against_loops(surface, slow_neighbours, as_arrays, radius, place_px):
    found, here = fpfh(*surface, radius, place_px)
    points, vectors, given = as_arrays(*surface)
    expected = slow_fpfh(points, vectors, slow_neighbours(points, given, radius))
    start = (place_px - 1) // 2
    height, width = (side // place_px for side in given.shape)
    assert found.shape == (1, CHANNELS, height, width)
    for y in range(height):
        for x in range(width):
            at = (start + place_px * y, start + place_px * x)
            assert bool(here[0, y, x]) == (at in expected)
            wanted = expected.get(at, np.zeros(33))
            np.testing.assert_allclose(found[0, :, y, x].numpy(), wanted, atol=1e-3)


def test_points_at_no_distance_are_neighbours_without_weight(surface, slow_neighbours, as_arrays):
    points, vectors, given = surface
    a, b = given[0].nonzero()[10:12].tolist()
    points[0, :, *a] = points[0, :, *b]
    found, _ = fpfh(points, vectors, given, 2)
    cloud, directions, mask = as_arrays(points, vectors, given)
    expected = slow_fpfh(cloud, directions, slow_neighbours(cloud, mask, 2))
    for at in (a, b):
        np.testing.assert_allclose(found[0, :, *at].numpy(), expected[tuple(at)], atol=1e-3)


def test_a_pair_is_the_same_from_both_ends():
    rng = np.random.default_rng(0)
    difference = torch.from_numpy(rng.normal(size=(200, 3)))
    first, second = (
        torch.nn.functional.normalize(torch.from_numpy(rng.normal(size=(200, 3))), dim=1)
        for _ in range(2)
    )
    there, back = (
        pair_features(difference, first, second),
        pair_features(-difference, second, first),
    )
    torch.testing.assert_close(there, back, atol=1e-12, rtol=0)
    e = torch.eye(3)
    assert not pair_features(e[:1], e[:1], e[1:2]).any()  # the line is the normal
    assert not pair_features(torch.zeros(1, 3), e[:1], e[1:2]).any()


def turned(points, matrix):
    return torch.einsum("ij,bjhw->bihw", torch.from_numpy(matrix), points)


def test_turning_around_the_camera_changes_nothing(make_cloud):
    """Normals keep their sign, since n . p does."""
    points, inside = make_cloud(1, (16, 16), relief_m=1e-4)
    expected, here = fpfh_map(points.double(), inside, full=True)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    found, there = fpfh_map(turned(points.double(), turn), inside, full=True)
    assert here.any()
    assert torch.equal(here, there)
    torch.testing.assert_close(found, expected, atol=1e-2, rtol=0)


def test_a_flipped_normal_is_another_surface(surface):
    """Turning a part in place may turn a steep face's normal away from the camera: then its sign
    changes, and with it the histogram."""
    points, vectors, given = surface
    flipped = vectors.clone()
    flipped[0, :, :, 6:] *= -1.0
    expected, here = fpfh(points, vectors, given, 2)
    found, _ = fpfh(points, flipped, given, 2)
    assert (found - expected).abs().amax(dim=1)[here].max() > 10.0


def test_a_mirrored_cloud_has_the_other_sign_of_alpha(make_cloud):
    points, inside = make_cloud(1, (16, 16), relief_m=1e-4)
    expected, here = fpfh_map(points.double(), inside, full=True)
    mirrored, _ = fpfh_map(turned(points.double(), np.diag([-1.0, 1.0, 1.0])), inside, full=True)
    blocks, others = (x.unflatten(1, (3, 11)) for x in (expected, mirrored))
    torch.testing.assert_close(others[:, 1], blocks[:, 1].flip(1), atol=1e-2, rtol=0)
    torch.testing.assert_close(others[:, [0, 2]], blocks[:, [0, 2]], atol=1e-2, rtol=0)
    assert (others[:, 1] - blocks[:, 1]).abs().amax(dim=1)[here].max() > 1.0


def nearest_fpfh(points, vectors, count):
    """Histograms of the `count` nearest points in space, all pairs at once: (N, 33)."""
    apart = points[:, None] - points[None]
    squared = (apart**2).sum(axis=2)
    nearest = np.argsort(squared, axis=1)[:, 1 : count + 1]
    rows = np.arange(len(points))[:, None]
    line = -apart[rows, nearest] / np.sqrt(squared[rows, nearest])[..., None]
    own = np.broadcast_to(vectors[:, None], line.shape)
    other = vectors[nearest]
    swap = (abs((own * line).sum(2)) < abs((other * line).sum(2)))[..., None]
    u, t, d = np.where(swap, other, own), np.where(swap, own, other), np.where(swap, -line, line)
    v = np.cross(d, u)
    v /= np.linalg.norm(v, axis=2, keepdims=True)
    w = np.cross(u, v)
    theta = np.arctan2((w * t).sum(2), (u * t).sum(2)) / (2 * np.pi) + 0.5
    triples = np.stack([theta, (v * t).sum(2) / 2 + 0.5, (u * d).sum(2) / 2 + 0.5], axis=2)
    bins = np.clip((11 * triples).astype(int), 0, 10) + 11 * np.arange(3)
    shares = (np.arange(33) == bins[..., None]).sum(axis=(1, 2)) * 100.0 / count
    sums = (shares[nearest] / squared[rows, nearest][..., None]).sum(axis=1).reshape(-1, 3, 11)
    return shares + (100.0 * sums / sums.sum(axis=2, keepdims=True)).reshape(-1, 33)


def test_a_window_stands_in_for_the_hundred_nearest(make_cloud):
    """On a grid seen from above: the same up to the window's corners."""
    points, inside = make_cloud(5, (25, 25), relief_m=3e-5, holes=0.0)
    vectors, given = normals(points, inside)
    found, _ = fpfh(points, vectors, given, 5)
    flat, directions = (x[0].flatten(1).T.double().numpy() for x in (points, vectors))
    expected = nearest_fpfh(flat, directions, 100).T.reshape(33, 25, 25)[:, 8:17, 8:17]
    window = found[0, :, 8:17, 8:17].numpy()
    centred = [x - x.mean(axis=(1, 2), keepdims=True) for x in (window, expected)]
    alike = [
        np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in ((window, expected), tuple(centred))
    ]
    assert alike[0] > 0.99
    assert alike[1] > 0.85


def test_a_plane_fills_the_middle_bins():
    y, x = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
    points = torch.stack([x * 2.0**-10, y * 2.0**-10, torch.full_like(x, 0.5)])[None]
    found, here = fpfh_map(points, torch.ones(1, 12, 12, dtype=torch.bool), full=True)
    assert here.all()
    expected = torch.zeros(33)
    expected[[5, 16, 27]] = 200.0
    torch.testing.assert_close(found, expected.view(1, 33, 1, 1).expand_as(found))


def test_half_the_size_is_a_window_of_every_second_pixel(make_cloud):
    points, inside = make_cloud(6, (20, 24))
    vectors, given = normals(points, inside)
    thin = [thinned(image, 2) for image in (points, vectors, given)]
    everywhere, where = fpfh(*thin, 4)
    found, here = fpfh_map(points, inside)
    assert found.shape == (1, 33, 5, 6)
    assert torch.equal(found, everywhere[..., ::2, ::2])
    assert torch.equal(here, where[..., ::2, ::2])


@pytest.mark.parametrize("full", [False, True])
def test_holes_and_slivers_give_numbers(make_cloud, full):
    points, inside = make_cloud(7, (24, 24), holes=0.5)
    inside[0, 12:] = False
    inside[0, 21, 3] = True
    found, here = fpfh_map(points, inside, full=full)
    assert found.isfinite().all()
    assert not found[:, :, ~here[0]].any()
    assert not here[0, 5, 0]
    blocks = found.unflatten(1, (3, 11)).sum(dim=2)[:, :, here[0]]
    assert ((blocks.round() == 0) | ((blocks - 200.0).abs() < 0.1)).all()
    nothing, nowhere = fpfh_map(points, torch.zeros_like(inside), full=full)
    assert not nothing.any()
    assert not nowhere.any()


def test_same_bits_again_and_whatever_else_is_in_the_batch(make_cloud):
    clouds = [make_cloud(seed, (16, 16)) for seed in (1, 2)]
    points, inside = (torch.cat(x) for x in zip(*clouds, strict=True))
    points[1] *= 2.0
    together, _ = fpfh_map(points, inside)
    for i in range(2):
        alone, _ = fpfh_map(points[i : i + 1], inside[i : i + 1])
        assert torch.equal(together[i : i + 1], alone)
