"""The building blocks of rendering against slow, plain versions of themselves."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcrdf.datasets.synthetic.arrays import mix, painted, smoothstep
from dcrdf.datasets.synthetic.camera import View, draw_view
from dcrdf.datasets.synthetic.light import draw_lighting, shade, surface_normal
from dcrdf.datasets.synthetic.noise import fractal_noise, ring_noise, smooth_noise, stretched_noise
from dcrdf.datasets.synthetic.part import Canvas, Surface
from dcrdf.datasets.synthetic.sensor import (
    PROJECTOR_SLOPE,
    _hidden_from_projector,
    photograph,
    scan,
)
from dcrdf.datasets.synthetic.shapes import (
    distance_to_path,
    inside_rounded_box,
    rounded_edge,
    wandering_path,
)


def level_view(size_px: int = 96) -> View:
    return View(size_px, 450.0, (0.0, 0.0, -1.0))


def surface_of(height_mm: np.ndarray, grey: float = 0.4) -> Surface:
    nothing = np.zeros_like(height_mm)
    return Surface(height_mm, painted(height_mm.shape, (grey, grey, grey)).copy(), nothing)


def test_smoothstep_and_mix():
    values = np.array([-1.0, 0.0, 0.5, 1.0, 2.0], np.float32)
    assert smoothstep(0.0, 1.0, values).tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert smoothstep(1.0, 0.0, values).tolist() == [1.0, 1.0, 0.5, 0.0, 0.0]
    share = np.array([[0.0, 0.25]], np.float32)
    mixed = mix(painted((1, 2), (0.0, 0.0, 0.0)), painted((1, 2), (1.0, 0.4, 0.0)), share)
    assert np.allclose(mixed, [[[0, 0, 0], [0.25, 0.1, 0.0]]])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_distance_to_path_is_that_of_its_nearest_point(seed: int):
    rng = np.random.default_rng(seed)
    path = rng.uniform(-5.0, 5.0, (rng.integers(2, 6), 2))
    x, y = rng.uniform(-8.0, 8.0, (2, 4, 5)).astype(np.float32)
    distance, share = distance_to_path(x, y, path)
    steps = np.linspace(0.0, 1.0, 2001)[:, None]
    dense = np.vstack([a + steps * (b - a) for a, b in pairwise(path)])
    apart = np.hypot(x[..., None] - dense[:, 0], y[..., None] - dense[:, 1])
    assert np.allclose(distance, apart.min(axis=2), atol=0.01)
    assert ((share >= 0.0) & (share <= 1.0 + 1e-5)).all()


def test_share_along_a_path_counts_length():
    path = np.array([[0.0, 0.0], [1.0, 0.0], [4.0, 0.0]])
    x = np.array([[0.0, 1.0, 2.0, 4.0, 9.0]], np.float32)
    _, share = distance_to_path(x, np.ones_like(x), path)
    assert np.allclose(share, [[0.0, 0.25, 0.5, 1.0, 1.0]])


def test_wandering_path_has_its_length_and_place():
    path = wandering_path((3.0, -2.0), 0.4, 12.0, np.random.default_rng(0), wander=0.3)
    assert np.hypot(*np.diff(path, axis=0).T).sum() == pytest.approx(12.0)
    assert path[len(path) // 2].tolist() == [3.0, -2.0]


def test_inside_rounded_box_against_its_outline():
    corner = np.linspace(0.0, np.pi / 2.0, 400)
    arc = 6.0 + 4.0 * np.column_stack([np.cos(corner), np.sin(corner)])
    side = np.column_stack([np.full(400, 10.0), np.linspace(0.0, 6.0, 400)])
    outline = np.vstack([arc, side, side[:, ::-1]])
    p, q = np.random.default_rng(1).uniform(0.0, 14.0, (2, 5, 8)).astype(np.float32)
    apart = np.hypot(p[..., None] - outline[:, 0], q[..., None] - outline[:, 1]).min(axis=2)
    found = inside_rounded_box(p, q, 10.0, 4.0)
    outside = found < 0.0
    assert outside.any()
    assert np.allclose(-found[outside], apart[outside], atol=0.02)
    assert np.allclose(inside_rounded_box(-p, -q, 10.0, 4.0), found)
    assert inside_rounded_box(*np.zeros((2, 1, 1), np.float32), 10.0, 4.0)[0, 0] == 10.0


def test_rounded_edge_is_a_quarter_circle():
    below = rounded_edge(np.array([-1.0, 0.0, 1.0, 2.0, 5.0], np.float32), 2.0)
    assert np.allclose(below, [2.0, 2.0, 2.0 - np.sqrt(3.0), 0.0, 0.0], atol=1e-6)


def test_noise_is_centred_smooth_and_of_unit_size():
    rng = np.random.default_rng(0)
    for field in (smooth_noise((300, 200), 6.0, rng), fractal_noise((300, 200), (8.0, 3.0), rng)):
        assert field.shape == (300, 200)
        assert field.dtype == np.float32
        assert abs(field.mean()) < 0.1
        assert 0.5 < field.std() < 1.2
        assert np.abs(np.diff(field, axis=0)).mean() < 0.5 * field.std()
    assert smooth_noise((9, 9), 100.0, rng).shape == (9, 9)


def test_ring_noise_depends_on_the_radius_alone():
    rows, columns = np.mgrid[-30:31, -30:31].astype(np.float32)
    field = ring_noise(np.hypot(rows, columns), 2.0, np.random.default_rng(0))
    assert np.array_equal(field, field[::-1])
    assert np.array_equal(field, field.T)
    assert field.std() > 0.3


def test_stretched_noise_changes_across_rather_than_along():
    rows, columns = np.mgrid[0:200, 0:200].astype(np.float32)
    field = stretched_noise(columns / 60.0, rows / 3.0, np.random.default_rng(0))
    assert np.abs(np.diff(field, axis=0)).mean() > 5.0 * np.abs(np.diff(field, axis=1)).mean()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_hidden_points_have_something_on_their_way_to_the_projector(seed: int):
    height_mm = np.random.default_rng(seed).choice([0.0, 0.0, 3.0, 9.0], (4, 30))
    height_mm = height_mm.astype(np.float32)
    slow = np.zeros(height_mm.shape, bool)
    for row, column in np.ndindex(height_mm.shape):
        for other in range(column + 1, 30):
            ray_mm = height_mm[row, column] + (other - column) * 0.3 / PROJECTOR_SLOPE
            slow[row, column] |= height_mm[row, other] > ray_mm + 0.15
    assert np.array_equal(_hidden_from_projector(height_mm, 0.3), slow)


def test_normals_of_a_slope():
    columns = np.mgrid[0:20, 0:20][1].astype(np.float32)
    right, down, up = surface_normal(0.5 * 0.3 * columns, 0.3)
    inner = (slice(2, -2), slice(2, -2))
    assert np.allclose(right[inner], -0.5 / np.sqrt(1.25), atol=1e-5)
    assert np.allclose(down[inner], 0.0, atol=1e-6)
    assert np.allclose(up[inner], 1.0 / np.sqrt(1.25), atol=1e-5)


def test_a_block_casts_its_shadow_away_from_the_light():
    canvas = Canvas.of(level_view())
    height_mm = np.zeros(canvas.shape, np.float32)
    height_mm[38:58, 38:58] = 10.0
    light = draw_lighting(np.random.default_rng(0))
    grey = shade(canvas, surface_of(height_mm), light)[..., 0]
    steps = np.array(light.key[:2]) / np.hypot(*light.key[:2]) * 14.0
    shaded_column, shaded_row = np.round(47.5 - 1.2 * steps).astype(int)
    lit_column, lit_row = np.round(47.5 + 1.6 * steps).astype(int)
    open_table = grey[5, 90]
    assert grey[shaded_row, shaded_column] < 0.7 * open_table
    assert grey[lit_row, lit_column] > 0.9 * open_table


def test_a_dark_surface_stays_dark_and_light_is_linear_in_albedo():
    canvas = Canvas.of(level_view(48))
    flat = np.zeros(canvas.shape, np.float32)
    light = draw_lighting(np.random.default_rng(0))
    dark, bright = (shade(canvas, surface_of(flat, grey), light) for grey in (0.1, 0.3))
    assert np.allclose(3.0 * dark, bright, rtol=1e-5)


def test_photographs_are_srgb_with_a_little_noise():
    grey = photograph(np.full((80, 80, 3), 0.2, np.float32), np.random.default_rng(0))
    assert grey.dtype == np.uint8
    assert abs(grey.mean() - 124.0) < 16.0
    assert 0.3 < grey[..., 1].std() < 5.0
    extremes = np.zeros((40, 40, 3), np.float32)
    extremes[:, 20:] = 4.0
    photo = photograph(extremes, np.random.default_rng(0))
    assert photo[:, :15].max() < 25
    assert (photo[:, 25:] == 255).all()


def test_scans_miss_what_glares_and_what_is_steep():
    view = draw_view(96, np.random.default_rng(0))
    height_mm = np.zeros((96, 96), np.float32)
    height_mm[:, 60:] = 8.0
    radiance = np.full((96, 96, 3), 0.3, np.float32)
    radiance[10:20, 5:15] = 3.0
    points_m = scan(view, height_mm, radiance, np.random.default_rng(1))
    missing = (points_m == 0.0).all(axis=2)
    assert missing[10:20, 5:15].all()
    assert missing[:, 59].all()
    assert missing[:, :50].mean() < 0.05
    assert missing[:, 65:].mean() < 0.02


def test_depth_noise_grows_with_the_slope():
    view = level_view(128)
    columns = np.mgrid[0:128, 0:128][1].astype(np.float32)
    deviations = []
    for slope in (0.0, 1.0):
        height_mm = (slope * view.pitch_mm * columns).astype(np.float32)
        points_m = scan(
            view, height_mm, np.full((128, 128, 3), 0.3, np.float32), np.random.default_rng(2)
        )
        seen = points_m[..., 2] > 0.0
        error_mm = (450.0 - 1000.0 * points_m[..., 2]) - height_mm
        deviations.append(error_mm[seen].std())
    assert 0.01 < deviations[0] < 0.03
    assert deviations[1] > 1.3 * deviations[0]
