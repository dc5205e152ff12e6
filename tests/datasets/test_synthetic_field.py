"""The field: what a carried structured-light camera sees of walls and pavements."""

import numpy as np
import pytest

from dcrdf.datasets.synthetic.camera import View
from dcrdf.datasets.synthetic.catalogue import RECIPES
from dcrdf.datasets.synthetic.part import Canvas
from dcrdf.datasets.synthetic.parts.field import FINISHES, field_at
from dcrdf.datasets.synthetic.render import SampleName, render
from dcrdf.datasets.synthetic.walking_rig import (
    DISTANCE_MM,
    STEP_PER_M,
    draw_walking_view,
    scan_by_disparity,
)

SIDE_PX = 96


def seen_at(distance_mm: float, size_px: int = SIDE_PX) -> np.ndarray:
    """Points of a wall, level and smooth, straight ahead at that distance."""
    view = View(size_px, distance_mm, (0.0, 0.0, -1.0), 3.0)
    flat = np.zeros((size_px, size_px), np.float32)
    return scan_by_disparity(view, flat, np.dstack([flat] * 3), np.random.default_rng(3))


def depths(points: np.ndarray) -> np.ndarray:
    """Of the points that were measured."""
    z = points[..., 2].astype(np.float64)
    return z[z > 0.0]


def good(index: int, size_px: int = SIDE_PX):
    return render(SampleName("field", "train", "good", index, 0), size_px)


@pytest.mark.parametrize("distance_mm", [300.0, 700.0, 2300.0])
def test_depth_comes_in_steps_of_disparity(distance_mm: float):
    steps = 1.0 / depths(seen_at(distance_mm)) / STEP_PER_M
    assert np.abs(steps - np.rint(steps)).max() < 1e-3
    assert len(np.unique(np.rint(steps))) > 1


def test_depth_noise_grows_with_the_square_of_the_distance():
    near_mm, far_mm = np.linspace(390.0, 410.0, 12), np.linspace(1150.0, 1250.0, 12)
    near_m, far_m = (
        np.sqrt(np.mean([depths(seen_at(d, 48)).var() for d in distances]))
        for distances in (near_mm, far_mm)
    )
    assert far_m / near_m == pytest.approx(9.0, rel=0.1)
    assert near_m == pytest.approx(0.16 * STEP_PER_M * np.sqrt(0.3**2 + 1.0 / 12.0), rel=0.1)


def test_where_the_sun_outshines_the_pattern_nothing_is_measured():
    view, flat = (
        View(SIDE_PX, 500.0, (0.0, 0.0, -1.0), 3.0),
        np.zeros((SIDE_PX, SIDE_PX), np.float32),
    )
    radiance = np.full((SIDE_PX, SIDE_PX, 3), 0.5, np.float32)
    radiance[:20] = 2.0
    points = scan_by_disparity(view, flat, radiance, np.random.default_rng(0))
    assert (points[:20] == 0.0).all()
    assert (points[20:, :, 2] > 0.0).mean() > 0.98


def test_points_lie_on_the_rays_of_their_pixels():
    for index in range(3):
        xyz = good(index).xyz
        seen = xyz[..., 2] > 0.0
        rows, columns = np.nonzero(seen)
        x, y, z = xyz[seen].T.astype(np.float64)
        middle = (SIDE_PX - 1) / 2
        assert np.abs(x / z * 3.0 * SIDE_PX + middle - columns).max() < 0.03
        assert np.abs(y / z * 3.0 * SIDE_PX + middle - rows).max() < 0.03
        assert 0.0 <= 1.0 - seen.mean() < 0.05


def test_views_reach_from_near_to_far():
    views = [draw_walking_view(64, np.random.default_rng(seed)) for seed in range(200)]
    distances_mm = np.array([view.distance_mm for view in views])
    assert (distances_mm >= DISTANCE_MM[0]).all()
    assert (distances_mm <= DISTANCE_MM[1]).all()
    assert np.quantile(distances_mm, 0.1) < 400.0
    assert np.quantile(distances_mm, 0.9) > 1700.0


def test_some_images_are_almost_black_and_others_bright():
    brightness = [float(good(index, 64).rgb.mean()) for index in range(24)]
    assert min(brightness) < 50.0
    assert max(brightness) > 110.0


def test_every_finish_fills_the_image():
    canvas = Canvas.of(View(64, 800.0, (0.0, 0.0, -1.0), 3.0))
    axes = canvas.posed(0.7, (0.0, 0.0))
    for finish in FINISHES:
        draw = finish(np.random.default_rng(2))
        relief_mm, albedo = draw(canvas, axes, np.random.default_rng(1))
        assert relief_mm.shape == (64, 64)
        assert relief_mm.std() > 0.0
        assert albedo.shape == (64, 64, 3)
        assert (albedo > 0.0).all()
        assert (albedo < 1.5).all()


def test_a_defect_may_lie_anywhere_but_at_the_rim():
    canvas = Canvas.of(draw_walking_view(64, np.random.default_rng(0)))
    part = field_at(np.random.default_rng(1))(canvas, np.random.default_rng(1))
    assert part.open_face.mean() == pytest.approx(0.75**2)
    assert (part.inside_mm > 0.0).all()
    assert (part.surface.height_mm > 0.0).all()


def test_images_of_a_place_share_distance_and_surface_and_splits_share_no_place():
    places = RECIPES["field"].places
    median_z = {}
    for split in ("train", "validation", "test"):
        for index in (0, 1, places):
            xyz = render(SampleName("field", split, "good", index, 0), 64).xyz
            median_z[split, index] = float(np.median(depths(xyz)))
    for split in ("train", "validation", "test"):
        assert median_z[split, places] == pytest.approx(median_z[split, 0], rel=0.05)
        assert median_z[split, 1] != pytest.approx(median_z[split, 0], rel=0.05)
    assert len({round(median_z[split, 0], 2) for split in ("train", "validation", "test")}) == 3
    first, again = (good(index, 64).rgb for index in (0, places))
    assert not np.array_equal(first, again)


@pytest.mark.parametrize("kind", ["crack", "hairline"])
def test_cracks_are_one_to_three_pixels_wide(kind: str):
    """The width by area over length of the middle line, which has half as many rim pixels."""
    for index in range(6):
        gt = render(SampleName("field", "test", kind, index, 0), 192).gt
        inner = gt[1:-1, 1:-1] & gt[:-2, 1:-1] & gt[2:, 1:-1] & gt[1:-1, :-2] & gt[1:-1, 2:]
        inner2 = inner[1:-1, 1:-1] & inner[:-2, 1:-1] & inner[2:, 1:-1]
        assert gt.sum() > 10
        assert inner2.sum() < 0.1 * gt.sum()
