import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcrdf.preparation.plane import (
    Plane,
    border_points,
    fit_border_plane,
    height_above,
    median_plane,
)


def all_valid(xyz):
    return np.ones(xyz.shape[:2], np.bool_)


def test_recovers_a_noisy_tilted_plane_behind_a_part_and_outliers(tilted_points):
    height_m = np.zeros((120, 160))
    height_m[30:90, 40:120] = 0.02
    height_m[:, 100:] += np.where(np.arange(120) < 40, 0.05, 0.0)[:, None]
    xyz, truth = tilted_points(height_m, noise_m=2e-4)
    fit = fit_border_plane(xyz, all_valid(xyz), 0.0125, 0.005)
    assert fit is not None
    np.testing.assert_allclose(fit.plane.normal, truth.normal, atol=1e-3)
    assert fit.plane.offset_m == pytest.approx(truth.offset_m, abs=2e-4)
    assert fit.sigma_m == pytest.approx(2e-4, rel=0.2)
    outliers = np.concatenate(
        [
            (height_m > 0)[:2].ravel(),
            (height_m > 0)[-2:].ravel(),
            (height_m > 0)[2:-2, :2].ravel(),
            (height_m > 0)[2:-2, -2:].ravel(),
        ]
    )
    assert fit.inlier_share == pytest.approx(1 - outliers.mean(), abs=0.02)


@settings(max_examples=25, deadline=None)
@given(
    tilt=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
    distance_m=st.floats(0.2, 2.0),
)
def test_height_is_zero_on_any_plane_and_grows_towards_the_camera(tilt, distance_m):
    y, x = np.mgrid[:40, :50] * 2e-3 - 0.04
    z = distance_m + tilt[0] * x + tilt[1] * y
    xyz = np.stack([x, y, z], axis=-1).astype(np.float32)
    fit = fit_border_plane(xyz, all_valid(xyz), 0.05, 0.005)
    assert fit is not None
    assert fit.inlier_share == 1.0
    assert np.abs(height_above(fit.plane, xyz)).max() < 1e-5
    nearer = xyz * np.float32(0.9)
    assert (
        height_above(fit.plane, nearer) > 0.05 * distance_m / np.hypot(1, np.hypot(*tilt))
    ).all()


def test_least_squares_beats_the_best_triple(tilted_points):
    xyz, _ = tilted_points(np.zeros((200, 200)), noise_m=1e-3)
    fit = fit_border_plane(xyz, all_valid(xyz), 0.0125, 0.005)
    assert fit is not None
    x, y, z = xyz.reshape(-1, 3).astype(np.float64).T
    slope_x, slope_y, level = np.linalg.lstsq(np.c_[x, y, np.ones_like(x)], z, rcond=None)[0]
    normal = np.array([slope_x, slope_y, -1.0]) / np.sqrt(slope_x**2 + slope_y**2 + 1)
    assert np.abs(fit.plane.normal - normal).max() < 2e-3
    assert fit.plane.offset_m == pytest.approx(level * -normal[2], abs=2e-4)


def test_the_ring_holds_exactly_the_valid_border():
    xyz = np.arange(20 * 30 * 3, dtype=np.float32).reshape(20, 30, 3)
    valid = np.ones((20, 30), np.bool_)
    valid[0, 5] = False
    in_ring = np.ones((20, 30), np.bool_)
    in_ring[2:-2, 2:-2] = False
    expected = xyz[in_ring & valid]
    found = border_points(xyz, valid, 0.0125)
    assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, expected.tolist()))


def test_the_ring_widens_where_the_border_is_missing(tilted_points):
    xyz, truth = tilted_points(np.zeros((160, 160)))
    valid = np.zeros((160, 160), np.bool_)
    valid[10:-10, 10:-10] = True
    fit = fit_border_plane(xyz, valid, 0.0125, 0.005)
    assert fit is not None
    np.testing.assert_allclose(fit.plane.normal, truth.normal, atol=1e-5)


@pytest.mark.parametrize("points", [0, 1, 2])
def test_too_few_points_make_no_plane(tilted_points, points):
    xyz, _ = tilted_points(np.zeros((40, 40)))
    valid = np.zeros((40, 40), np.bool_)
    valid.ravel()[:points] = True
    assert fit_border_plane(xyz, valid, 0.0125, 0.005) is None


def test_identical_points_make_no_plane():
    xyz = np.full((40, 40, 3), 0.5, np.float32)
    assert fit_border_plane(xyz, all_valid(xyz), 0.0125, 0.005) is None


def test_a_border_of_rubble_is_not_a_plane():
    generator = np.random.default_rng(0)
    xyz = generator.uniform(0.2, 0.8, (60, 60, 3)).astype(np.float32)
    fit = fit_border_plane(xyz, all_valid(xyz), 0.0125, 0.005)
    assert fit is not None
    assert fit.inlier_share < 0.2


def test_same_points_same_bits(tilted_points):
    xyz, _ = tilted_points(np.zeros((80, 80)), noise_m=1e-3)
    fits = [fit_border_plane(xyz.copy(), all_valid(xyz), 0.0125, 0.005) for _ in range(2)]
    assert fits[0] == fits[1]


def test_median_plane_ignores_a_few_strays():
    planes = [Plane((0.0, 0.0, -1.0), 0.5)] * 4 + [Plane((0.6, 0.0, -0.8), 0.9)]
    assert median_plane(planes) == Plane((0.0, 0.0, -1.0), 0.5)
    between = median_plane([Plane((0.0, 0.6, -0.8), 0.4), Plane((0.0, 0.0, -1.0), 0.6)])
    assert np.linalg.norm(between.normal) == pytest.approx(1.0)
