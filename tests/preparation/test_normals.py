"""Normals of surfaces whose normals are known."""

from dataclasses import replace

import numpy as np
import pytest

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.sample import Scan
from dcrdf.errors import UserError
from dcrdf.preparation.image import prepare_scan
from dcrdf.preparation.local_planes import MIN_WINDOW_SHARE, fit_normals
from dcrdf.preparation.normalise import PreparationConstants
from dcrdf.preparation.normals import (
    FLAT,
    encoded,
    fitted_normals,
    in_plane_frame,
    sobel_normals,
)
from dcrdf.preparation.plane import Plane
from dcrdf.preparation.resize import place
from dcrdf.tensors.orientation import oriented_surface

FACING = Plane((0.0, 0.0, -1.0), 0.5)
NO_CENTRE = np.zeros(3)
CONSTANTS = PreparationConstants("part", 0.0, 0.01, FACING.coefficients)
OPTIONS = PrepareOptions(image_size=64, surface="normals", mode="part")


def degrees(found, truth):
    """Angles between vectors (..., 3)."""
    found = found / np.linalg.norm(found, axis=-1, keepdims=True)
    return np.degrees(2 * np.arcsin(np.linalg.norm(found - truth, axis=-1).clip(max=2) / 2))


def decoded(image):
    return 2.0 * image.astype(np.float64) - 1.0


def plane_points(normal, size=40, distance_m=0.5, pitch_m=1e-3):
    """Points of a plane over a regular grid; its normal faces the camera."""
    y, x = (np.mgrid[:size, :size] - (size - 1) / 2) * pitch_m
    z = distance_m - (normal[0] * x + normal[1] * y) / normal[2]
    return np.stack([x, y, z], axis=-1).astype(np.float32)


def unit(*values):
    return np.array(values) / np.linalg.norm(values)


def sphere_scene(size, noise_m, tilt_degrees=0.0, radius_m=0.06, distance_m=0.5, seed=0):
    """A cap of a sphere on a table, tilted as a whole about the x axis, seen by a pinhole camera:
    points, true normals towards the camera in its frame, and where the cap is."""
    tilt = np.radians(tilt_degrees)
    up = np.array([0.0, np.sin(tilt), -np.cos(tilt)])
    foot = np.array([0.0, 0.0, distance_m])
    y, x = (np.mgrid[:size, :size] - (size - 1) / 2) * 0.09 / size / distance_m
    rays = np.stack([x, y, np.ones_like(x)], axis=-1)
    table_z = (foot @ up) / (rays @ up)
    centre = foot - 0.04 * up
    a, b = (rays * rays).sum(axis=-1), rays @ centre
    root = b * b - a * (centre @ centre - radius_m**2)
    sphere_z = np.where(root > 0, (b - np.sqrt(np.maximum(root, 0))) / a, np.inf)
    cap = sphere_z < table_z
    z = np.where(cap, sphere_z, table_z)
    normals = np.where(cap[..., None], (rays * z[..., None] - centre) / radius_m, up)
    z = z + np.random.default_rng(seed).normal(0.0, noise_m, z.shape)
    return (rays * z[..., None]).astype(np.float32), normals, cap


@pytest.mark.parametrize("normal", [unit(0, 0, -1), unit(0.1, -0.05, -1), unit(-0.6, 0.3, -1)])
@pytest.mark.parametrize("sigma_px", [0.5, 1.0, 2.5])
def test_a_plane_has_its_normal_everywhere(normal, sigma_px):
    xyz = plane_points(normal)
    centre = xyz.reshape(-1, 3).mean(axis=0).astype(np.float64)
    known = np.random.default_rng(0).random((40, 40)) > 0.1
    centred = np.where(known[..., None], xyz - centre.astype(np.float32), np.float32(0.0))
    found, given = fit_normals(centred, known, sigma_px, centre)
    assert given[5:-5, 5:-5].mean() > 0.95
    assert degrees(found[given], normal).max() < 0.01
    assert (found[~given] == 0.0).all()


def fitted_by_hand(xyz, known, row, column, sigma_px):
    """Oracle: weighted least squares of p = a + b du + c dv, by numpy's solver."""
    reach = int(np.ceil(3 * sigma_px))
    rows, weights, points = [], [], []
    for r in range(max(0, row - reach), min(len(xyz), row + reach + 1)):
        for c in range(max(0, column - reach), min(xyz.shape[1], column + reach + 1)):
            if known[r, c]:
                weight = np.exp(-((r - row) ** 2 + (c - column) ** 2) / (2 * sigma_px**2))
                rows.append([1.0, c - column, r - row])
                weights.append(np.sqrt(weight))
                points.append(xyz[r, c])
    weights = np.array(weights)[:, None]
    solved = np.linalg.lstsq(np.array(rows) * weights, np.array(points) * weights, rcond=None)[0]
    normal = np.cross(solved[1], solved[2])
    normal /= np.linalg.norm(normal)
    return -normal if normal @ solved[0] > 0 else normal


def test_the_fit_is_weighted_least_squares():
    generator = np.random.default_rng(3)
    xyz = plane_points(unit(0.2, 0.1, -1), size=20)
    xyz[..., 2] += generator.normal(0, 2e-4, (20, 20))
    known = generator.random((20, 20)) > 0.3
    centre = xyz[known].mean(axis=0).astype(np.float64)
    centred = np.where(known[..., None], xyz - centre, 0.0).astype(np.float32)
    found, given = fit_normals(centred, known, 1.0, centre)
    assert given.mean() > 0.5
    for row, column in np.argwhere(given)[::7]:
        expected = fitted_by_hand(xyz.astype(np.float64), known, row, column, 1.0)
        assert degrees(found[row, column], expected) < 0.02


def test_no_normal_where_the_window_is_too_empty():
    xyz = plane_points(unit(0, 0, -1), size=41)
    known = np.ones((41, 41), np.bool_)
    known[:, :20] = False
    _, given = fit_normals(xyz * known[..., None], known, 1.0, NO_CENTRE)
    steps = np.arange(-3, 4)
    window = np.exp(-0.5 * steps**2)
    window /= window.sum()
    for column in range(10, 31):
        full = window[(column + steps) >= 20].sum()
        assert given[20, column] == (full >= MIN_WINDOW_SHARE)
    line = np.zeros((41, 41), np.bool_)
    line[20] = True
    _, on_a_line = fit_normals(xyz * line[..., None], line, 1.0, NO_CENTRE)
    assert not on_a_line.any()


@pytest.mark.parametrize(
    "normal", [(0.0, 0.0, -1.0), unit(0.06, -0.08, -0.995), unit(0.5, 0.5, 0.1)]
)
def test_the_plane_itself_points_straight_up(normal):
    plane = Plane(tuple(np.array(normal).tolist()), 0.5)
    field = np.broadcast_to(np.float32(normal), (3, 4, 3)).copy()
    np.testing.assert_allclose(in_plane_frame(field, plane), [[[0, 0, 1]] * 4] * 3, atol=1e-6)


def test_the_plane_frame_is_a_smallest_rotation():
    """What is perpendicular to both normals stays, and angles between normals stay."""
    normal = unit(0.3, -0.2, -1)
    plane = Plane(tuple(normal.tolist()), 0.5)
    flipped = normal * (1, 1, -1)
    axis = np.cross(flipped, (0.0, 0.0, 1.0))
    axis /= np.linalg.norm(axis)
    vectors = np.stack([axis * (1, 1, -1), unit(0.1, 0.7, -0.4), unit(-0.3, 0.1, -1)])
    found = in_plane_frame(vectors[None].astype(np.float32), plane)[0]
    np.testing.assert_allclose(found[0], axis, atol=1e-6)
    np.testing.assert_allclose(found @ found.T, vectors @ vectors.T, atol=1e-6)
    away = in_plane_frame(np.float32([[[0, 0, 1.0], [1.0, 0, 0]]]), Plane((0.0, 0.0, 1.0), 0.5))[0]
    np.testing.assert_allclose(away, [[0, 0, 1], [1, 0, 0]], atol=1e-6)


def seen_by_plane(xyz, plane, options=OPTIONS, size=None):
    known = (xyz != 0).any(axis=-1)
    placement = place(known.shape, size or options.image_size, "stretch")
    return decoded(fitted_normals(xyz, known, plane, placement, options))


def truth_at(normals, size):
    """True normals averaged over each target pixel."""
    step = len(normals) // size
    mean = normals.reshape(size, step, size, step, 3).mean(axis=(1, 3))
    return mean / np.linalg.norm(mean, axis=-1, keepdims=True)


def inner_of(cap, size, margin_px):
    step = len(cap) // size
    whole = cap.reshape(size, step, size, step).all(axis=(1, 3))
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    radius = np.sqrt(whole.sum() / np.pi) - margin_px
    return whole & (np.hypot(x, y) < radius)


def test_a_sphere_of_known_radius():
    """800 -> 256 px in the design's terms: 3 native pixels for one, 0.02 mm of noise."""
    xyz, normals, cap = sphere_scene(768, 2e-5)
    found = seen_by_plane(xyz, FACING, OPTIONS.model_copy(update={"image_size": 256}))
    inner = inner_of(cap, 256, 4)
    error = degrees(found, truth_at(normals, 256) * (1, 1, -1))[inner]
    assert np.median(error) < 0.35
    assert np.quantile(error, 0.95) < 0.8


def tilted_by(tilt_degrees):
    """The rotation of a rig about the camera's x axis, and the table's plane seen from it."""
    tilt = np.radians(tilt_degrees)
    cos, sin = np.cos(tilt), np.sin(tilt)
    rotation = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    return rotation, Plane(tuple((rotation @ FACING.normal).tolist()), FACING.offset_m)


def test_a_rigs_tilt_does_not_show():
    """The same points, turned about the camera; and the tilted scene as the camera sees it."""
    xyz, _, cap = sphere_scene(384, 0.0)
    inner = inner_of(cap, 128, 6)
    flat = seen_by_plane(xyz, FACING, size=128)
    flat /= np.linalg.norm(flat, axis=-1, keepdims=True)
    rotation, plane = tilted_by(8.0)
    noise = np.random.default_rng(1).normal(0.0, 2e-5, cap.shape)
    turned = xyz @ rotation.T + noise[..., None] * (0, 0, 1)
    found = seen_by_plane(turned.astype(np.float32), plane, size=128)
    assert np.median(degrees(found, flat)[inner]) < 0.3

    tilt = np.radians(8.0)
    xyz, normals, cap = sphere_scene(384, 2e-5, 8.0)
    table = Plane((0.0, np.sin(tilt), -np.cos(tilt)), 0.5 * np.cos(tilt))
    found = seen_by_plane(xyz, table, size=128)
    truth = in_plane_frame(truth_at(normals, 128).astype(np.float32), table)
    whole = cap.reshape(128, 3, 128, 3).all(axis=(1, 3))
    assert np.median(degrees(found, truth)[whole]) < 0.3
    assert np.median(degrees(found[:8, :8], np.array([0.0, 0.0, 1.0]))) < 0.3


def test_mirrored_and_turned_scans_have_mirrored_and_oriented_surface():
    xyz, _, _ = sphere_scene(128, 1e-5, seed=5)
    xyz[30:60, 20:30] = 0.0
    before = encoded(seen_by_plane(xyz, FACING).astype(np.float32))
    mirrored = np.flip(xyz, 1) * np.float32([-1, 1, 1])
    quarter = np.rot90(xyz)
    quarter = np.stack([quarter[..., 1], -quarter[..., 0], quarter[..., 2]], axis=-1)
    both = np.rot90(mirrored)
    both = np.stack([both[..., 1], -both[..., 0], both[..., 2]], axis=-1)
    for number, scan in ((0, xyz), (1, quarter), (4, mirrored), (5, both)):
        found = seen_by_plane(np.ascontiguousarray(scan), FACING)
        expected = oriented_surface(before[None], np.array([number]))[0]
        np.testing.assert_allclose(found, decoded(expected), atol=4e-3)


def test_turning_vectors_is_a_group():
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(2, 6, 6, 3)) * (1, 1, 0.2)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    images = ((vectors + 1) / 2).astype(np.float16)
    images[0, 0, 0] = 0.0
    four = images
    for _ in range(4):
        four = oriented_surface(four, np.array([1, 1]))
    np.testing.assert_allclose(four, images, atol=1e-3)
    twice = oriented_surface(oriented_surface(images, np.array([4, 4])), np.array([4, 4]))
    np.testing.assert_allclose(twice, images, atol=1e-3)
    np.testing.assert_array_equal(oriented_surface(images, np.array([0, 0])), images)
    turned = oriented_surface(images, np.array([1, 1]))
    np.testing.assert_array_equal(turned[0, -1, 0], 0.0)
    nx, ny = 2.0 * images[1, 2, 4, :2].astype(float) - 1
    found = 2.0 * turned[1, 5 - 4, 2, :2].astype(float) - 1
    np.testing.assert_allclose(found, [ny, -nx], atol=2e-3)


def test_the_unit_of_length_and_the_distance_do_not_matter():
    xyz, _, _ = sphere_scene(128, 0.0)
    once = seen_by_plane(xyz, FACING)
    scaled = seen_by_plane(xyz * np.float32(2.0), Plane(FACING.normal, 1.0))
    np.testing.assert_allclose(scaled, once, atol=2e-3)
    far = seen_by_plane(xyz + np.float32([0, 0, 50.0]), Plane(FACING.normal, 50.5))
    error = degrees(far, once / np.linalg.norm(once, axis=-1, keepdims=True))
    # At 50 m a float32 holds 4 micrometres; a pixel is 1.4 mm wide.
    assert np.quantile(error, 0.95) < 0.4


def test_holes_are_filled_with_unit_vectors(tilted_points):
    y, x = np.mgrid[:64, :64] - 31.5
    part = np.hypot(x, y) < 20
    xyz, plane = tilted_points(np.where(part, 0.012 - 2e-5 * (x * x + y * y), 0.0))
    xyz[26:36, 26:36] = xyz[2:12, 2:12] = 0.0
    scan = Scan(np.zeros((64, 64, 3), np.uint8), xyz)
    image = prepare_scan(scan, OPTIONS, replace(CONSTANTS, plane=plane.coefficients))
    found = decoded(image.normals)
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1.0, atol=2e-3)
    assert (found[28:34, 28:34, 2] > 0.95).all()
    np.testing.assert_array_equal(image.normals[3:10, 3:10], np.broadcast_to(FLAT, (7, 7, 3)))
    table = np.hypot(x, y) > 26
    assert np.abs(found[table] - (0, 0, 1)).max() < 0.02


def test_a_field_keeps_its_filled_normals(tilted_points):
    xyz, plane = tilted_points(2e-4 * np.sin(np.arange(64) / 3.0)[None, :].repeat(64, 0))
    xyz[20:40, 20:40] = 0.0
    scan = Scan(np.zeros((64, 64, 3), np.uint8), xyz)
    options = PrepareOptions(image_size=64, surface="normals", mode="field")
    image = prepare_scan(scan, options, replace(CONSTANTS, mode="field", plane=plane.coefficients))
    assert np.ptp(decoded(image.normals)[22:38, 22:38, 0]) > 0.0


def test_nothing_measured_is_flat():
    scan = Scan(np.zeros((50, 60, 3), np.uint8), np.zeros((50, 60, 3), np.float32))
    for normals in ("fitted", "given"):
        options = OPTIONS.model_copy(update={"normals": normals})
        image = prepare_scan(scan, options, CONSTANTS)
        np.testing.assert_array_equal(image.normals, np.broadcast_to(FLAT, (64, 64, 3)))


def test_given_normals_survive_eight_bits(tilted_points):
    xyz, _ = tilted_points(np.zeros((64, 64)))
    vectors = np.random.default_rng(0).normal(size=(64, 64, 3))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    stored = np.rint((vectors + 1) / 2 * 255).astype(np.uint8)
    options = OPTIONS.model_copy(update={"normals": "given"})
    scan = Scan(np.zeros((64, 64, 3), np.uint8), xyz, normals=stored)
    image = prepare_scan(scan, options, CONSTANTS)
    np.testing.assert_array_equal(np.rint(image.normals.astype(float) * 255), stored)
    with pytest.raises(UserError, match="without normals"):
        prepare_scan(replace(scan, normals=None), options, CONSTANTS)
    twice = Scan(
        np.zeros((128, 128, 3), np.uint8),
        tilted_points(np.zeros((128, 128)))[0],
        normals=stored.repeat(2, axis=0).repeat(2, axis=1),
    )
    np.testing.assert_array_equal(prepare_scan(twice, options, CONSTANTS).normals, image.normals)


def sobel_by_hand(z, part, size):
    """Oracle: scale, fill, slopes by OpenCV's separable kernels, normals, mask, pixel by pixel."""
    smooth, slope = {
        3: ([1, 2, 1], [-1, 0, 1]),
        5: ([1, 4, 6, 4, 1], [-1, -2, 0, 2, 1]),
        7: ([1, 6, 15, 20, 15, 6, 1], [-1, -4, -5, 0, 5, 4, 1]),
    }[size]
    low, high = z[part].min(), z[part].max()
    scaled = np.where(part, (z - low) / (high - low), 0.0)
    for _ in range(2):
        before = scaled.copy()
        for row, column in np.argwhere(before == 0):
            around = before[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
            if (around != 0).any():
                scaled[row, column] = around[around != 0].mean()
    reach = size // 2
    padded = np.pad(scaled, reach, mode="reflect")
    found = np.zeros((*z.shape, 3))
    for row, column in np.argwhere(part):
        window = padded[row : row + size, column : column + size]
        dx = (window * np.outer(smooth, slope)).sum()
        dy = (window * np.outer(slope, smooth)).sum()
        found[row, column] = (unit(-dx, -dy, 1.0) + 1) / 2
    return found


@pytest.mark.parametrize("size", [3, 5, 7])
def test_sobel_normals_are_what_their_steps_say(size):
    y, x = np.mgrid[:32, :32] - 15.5
    part = np.hypot(x, y) < 11
    z = (0.5 - 0.01 * np.cos(x / 9) * np.cos(y / 7)).astype(np.float32)
    placement = place((32, 32), 32, "stretch")
    found = sobel_normals(z, np.ones_like(part), part, placement, size, 2)
    expected = sobel_by_hand(z.astype(np.float64), part, size)
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert (found[~part] == 0.0).all()


def test_sobel_normals_of_nothing_and_of_a_flat_part():
    part = np.zeros((16, 16), np.bool_)
    z = np.full((16, 16), 0.5, np.float32)
    placement = place((16, 16), 16, "stretch")
    assert (sobel_normals(z, ~part, part, placement, 5, 2) == 0.0).all()
    part[4:12, 4:12] = True
    flat = sobel_normals(z, np.ones_like(part), part, placement, 3, 2)
    np.testing.assert_array_equal(flat[6:10, 6:10], np.broadcast_to(FLAT, (4, 4, 3)))
