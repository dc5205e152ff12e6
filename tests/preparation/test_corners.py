import numpy as np
import pytest

from dcrdf.preparation.corners import (
    FOUR,
    THREE,
    bilinear_background_m,
    corner_points,
    fit_corner_plane,
    height_above_corners,
)
from dcrdf.preparation.plane import height_above


def everywhere(xyz):
    return np.ones(xyz.shape[:2], np.bool_)


def pinhole_table(size, field_m, tilt_degrees, distance_m=0.5):
    """Points of a flat table as a pinhole camera sees it, and the table's unit normal."""
    tilt = np.radians(tilt_degrees)
    normal = np.array([np.sin(tilt) / np.sqrt(2), np.sin(tilt) / np.sqrt(2), -np.cos(tilt)])
    y, x = (np.mgrid[:size, :size] - (size - 1) / 2) * field_m / size / distance_m
    rays = np.stack([x, y, np.ones_like(x)], axis=-1)
    z = normal[2] * distance_m / (rays @ normal)
    return (rays * z[..., None]).astype(np.float32), normal


def test_corners_are_means_of_their_valid_points():
    xyz = np.random.default_rng(0).normal(0.5, 0.1, (20, 30, 3)).astype(np.float32)
    valid = everywhere(xyz)
    valid[0, 0] = valid[-1, -2] = False
    found = corner_points(xyz, valid, 2, FOUR)
    expected = [
        np.mean([xyz[0, 1], xyz[1, 0], xyz[1, 1]], axis=0),
        xyz[:2, -2:].reshape(-1, 3).mean(axis=0),
        xyz[-2:, :2].reshape(-1, 3).mean(axis=0),
        np.mean([xyz[-2, -2], xyz[-2, -1], xyz[-1, -1]], axis=0),
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    valid[-3:, :3] = False
    assert corner_points(xyz, valid, 3, THREE) is None
    assert fit_corner_plane(xyz, valid, THREE, 0.0125, 0.005) is None
    valid[-3:, -3:] = False
    valid[-3:, :3] = True
    assert corner_points(xyz, valid, 3, THREE) is not None
    assert corner_points(xyz, valid, 2, FOUR) is None


def test_three_corners_make_the_plane_through_them(tilted_points):
    height_m = np.zeros((60, 80))
    height_m[:3, :3] = 0.004
    height_m[20:40, 20:60] = 0.03
    xyz, truth = tilted_points(height_m)
    fit = fit_corner_plane(xyz, everywhere(xyz), THREE, 0.0125, 0.003)
    a, b, c = (xyz[block].reshape(-1, 3).astype(float).mean(axis=0)
               for block in (np.s_[:3, :3], np.s_[:3, -3:], np.s_[-3:, :3]))  # fmt: skip
    normal = np.cross(b - a, c - a)
    normal *= np.sign(-normal @ a) / np.linalg.norm(normal)
    np.testing.assert_allclose(fit.plane.normal, normal, atol=1e-6)
    assert fit.plane.offset_m == pytest.approx(-normal @ a, abs=1e-6)
    assert height_above(fit.plane, xyz)[30, 40] > 0.02
    np.testing.assert_allclose(fit.plane.normal, truth.normal, atol=0.1)
    assert 0.1 < fit.inlier_share < 0.95


def test_four_corners_fit_a_plane_with_the_table(tilted_points):
    xyz, truth = tilted_points(np.zeros((60, 80)))
    fit = fit_corner_plane(xyz, everywhere(xyz), FOUR, 0.0125, 0.001)
    np.testing.assert_allclose(fit.plane.normal, truth.normal, atol=1e-5)
    assert fit.inlier_share == 1.0
    assert fit.sigma_m < 1e-6


def test_corners_on_a_line_make_no_plane():
    xyz = np.zeros((20, 20, 3), np.float32)
    xyz[..., 0] = np.arange(20)
    xyz[..., 2] = 0.5
    assert fit_corner_plane(xyz, everywhere(xyz), THREE, 0.0125, 0.005) is None


def test_the_background_is_bilinear_in_pixels():
    corners = np.array([0.5, 0.6, 0.55, 0.8])
    height, width = 7, 11
    found = bilinear_background_m(corners, (height, width))
    assert found.dtype == np.float32
    for row in range(height):
        for column in range(width):
            v, u = row / (height - 1), column / (width - 1)
            above = (1 - u) * corners[0] + u * corners[1]
            below = (1 - u) * corners[2] + u * corners[3]
            assert found[row, column] == pytest.approx((1 - v) * above + v * below, abs=1e-7)


@pytest.mark.parametrize(
    ("field_m", "tilt_degrees", "bent_mm"),
    [(0.094, 5.0, 0.034), (0.094, 10.0, 0.14), (0.333, 5.0, 0.43), (0.333, 10.0, 1.7)],
)
def test_how_far_the_bilinear_background_is_from_a_flat_table(field_m, tilt_degrees, bent_mm):
    """By half the square of (slope x half the field / distance), times the distance."""
    xyz, _ = pinhole_table(800, field_m, tilt_degrees)
    height_mm = 1e3 * height_above_corners(xyz, everywhere(xyz))
    assert np.abs(height_mm).max() == pytest.approx(bent_mm, rel=0.03)


def test_height_above_four_corners_needs_them(tilted_points):
    xyz, _ = tilted_points(np.zeros((20, 20)))
    valid = everywhere(xyz)
    valid[:4, :4] = False
    with pytest.raises(ValueError, match="corner"):
        height_above_corners(xyz, valid)
