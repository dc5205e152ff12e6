"""Single samples: geometry, ground truth, what each kind of defect may change."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcrdf.datasets.synthetic.camera import View, draw_view
from dcrdf.datasets.synthetic.catalogue import RECIPES
from dcrdf.datasets.synthetic.masks import COLOUR_LIMIT, HEIGHT_LIMIT_MM, defect_mask
from dcrdf.datasets.synthetic.part import Canvas, Part
from dcrdf.datasets.synthetic.render import SEVERITY_STEPS, SampleName, render, severity_of, spoil
from dcrdf.datasets.synthetic.rig import TABLE_RIG

COLOUR_ONLY = {
    ("cracker", "burn"),
    ("flange", "rust"),
    ("handle", "paint"),
    ("scone", "scorch"),
    ("field", "hairline"),
}
DEPTH_ONLY = {
    ("cracker", "bump"),
    ("flange", "dent"),
    ("handle", "dent"),
    ("scone", "dent"),
    ("field", "swell"),
}
ALL_KINDS = [(category, kind) for category in RECIPES for kind in RECIPES[category].defects]
ON_A_TABLE = [category for category, recipe in RECIPES.items() if recipe.rig is TABLE_RIG]


@pytest.fixture(scope="module")
def parts() -> dict[str, Part]:
    """A sound part of each category at 128 pixels."""
    canvas = Canvas.of(draw_view(128, np.random.default_rng(5)))
    return {
        category: recipe.build_at(np.random.default_rng(7))(canvas, np.random.default_rng(6))
        for category, recipe in RECIPES.items()
    }


@pytest.mark.parametrize("category", ON_A_TABLE)
def test_points_lie_on_the_rays_of_their_pixels(category: str):
    xyz = render(SampleName(category, "train", "good", 0, 0), 128).xyz
    seen = xyz[..., 2] > 0.0
    rows, columns = np.nonzero(seen)
    x, y, z = xyz[seen].T.astype(np.float64)
    assert np.abs(x / z * 640.0 + 63.5 - columns).max() < 0.03
    assert np.abs(y / z * 640.0 + 63.5 - rows).max() < 0.03
    assert ((z > 0.40) & (z < 0.50)).all()


@pytest.mark.parametrize("category", ON_A_TABLE)
def test_some_points_are_missing_and_the_table_is_tilted(category: str):
    xyz = render(SampleName(category, "train", "good", 1, 0), 320).xyz
    missing = (xyz == 0.0).all(axis=2)
    assert 0.005 < missing.mean() < 0.05
    border = np.r_[xyz[:8].reshape(-1, 3), xyz[-8:].reshape(-1, 3)].astype(np.float64)
    border = border[border[:, 2] > 0.0]
    terms = np.column_stack([border[:, :2], np.ones(len(border))])
    plane, *_ = np.linalg.lstsq(terms, border[:, 2], rcond=None)
    assert 1.0 < np.rad2deg(np.arctan(np.hypot(plane[0], plane[1]))) < 6.0
    noise_mm = 1000.0 * np.abs(border[:, 2] - terms @ plane)
    assert 0.005 < np.median(noise_mm) < 0.06


def test_rendering_depends_on_the_name_alone():
    name = SampleName("flange", "test", "dent", 3, 2)
    first, second = render(name, 64), render(name, 64)
    assert np.array_equal(first.rgb, second.rgb)
    assert np.array_equal(first.xyz, second.xyz)
    assert np.array_equal(first.gt, second.gt)
    other = render(SampleName("flange", "test", "dent", 4, 2), 64)
    assert not np.array_equal(first.rgb, other.rgb)


@pytest.mark.parametrize(("category", "kind"), ALL_KINDS)
def test_what_a_kind_changes(parts: dict[str, Part], category: str, kind: str):
    part = parts[category]
    surface, gt = spoil(part, RECIPES[category].defects[kind], 0.6, np.random.default_rng(3))
    moved = np.abs(surface.height_mm - part.surface.height_mm) > HEIGHT_LIMIT_MM
    painted = np.abs(np.sqrt(surface.albedo) - np.sqrt(part.surface.albedo)).max(2) > COLOUR_LIMIT
    assert gt.any()
    if (category, kind) in COLOUR_ONLY:
        assert np.array_equal(surface.height_mm, part.surface.height_mm)
        assert painted.any()
    elif (category, kind) in DEPTH_ONLY:
        assert np.array_equal(surface.albedo, part.surface.albedo)
        assert moved.any()
    else:
        assert moved.any()
        assert painted.any()


@pytest.mark.parametrize(
    ("category", "kind"), [(part, kind) for part, kind in ALL_KINDS if part in ON_A_TABLE]
)
def test_defects_do_not_touch_the_table_far_from_the_part(
    parts: dict[str, Part], category: str, kind: str
):
    part = parts[category]
    surface, gt = spoil(part, RECIPES[category].defects[kind], 1.0, np.random.default_rng(8))
    far = part.inside_mm < -8.0
    assert far.any()
    assert np.array_equal(surface.height_mm[far], part.surface.height_mm[far])
    assert not gt[far].any()


def test_there_are_colour_only_depth_only_and_joint_kinds_everywhere():
    for category, recipe in RECIPES.items():
        kinds = {(category, kind) for kind in recipe.defects}
        assert kinds & COLOUR_ONLY
        assert kinds & DEPTH_ONLY
        assert len(kinds - COLOUR_ONLY - DEPTH_ONLY) >= 2


@pytest.mark.parametrize(("category", "kind"), ALL_KINDS)
def test_defects_grow_with_severity(parts: dict[str, Part], category: str, kind: str):
    defect = RECIPES[category].defects[kind]
    areas_px = [
        np.median(
            [
                np.count_nonzero(spoil(parts[category], defect, severity, rng)[1])
                for rng in map(np.random.default_rng, range(5))
            ]
        )
        for severity in (0.0, 1.0)
    ]
    assert areas_px[1] > 1.5 * areas_px[0]


@pytest.mark.parametrize("category", RECIPES)
def test_small_defects_are_under_half_a_percent(category: str):
    shares = [
        render(SampleName(category, "test", kind, 0, 0), 128).gt.mean()
        for kind in RECIPES[category].defects
    ]
    assert min(shares) < 0.005
    assert max(shares) < 0.02


def test_severity_rises_and_begins_anew():
    severities = [severity_of(index) for index in range(2 * SEVERITY_STEPS)]
    assert severities[:SEVERITY_STEPS] == sorted(severities[:SEVERITY_STEPS])
    assert (severities[0], severities[SEVERITY_STEPS - 1]) == (0.0, 1.0)
    assert severities[SEVERITY_STEPS:] == severities[:SEVERITY_STEPS]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(ALL_KINDS), st.integers(0, 11), st.integers(0, 1000))
def test_no_defect_is_dead(category_and_kind: tuple[str, str], index: int, seed: int):
    category, kind = category_and_kind
    rendered = render(SampleName(category, "test", kind, index, seed), 64)
    assert np.count_nonzero(rendered.gt) >= 6
    assert rendered.gt.mean() < 0.15


def test_good_samples_have_an_empty_mask():
    assert not render(SampleName("handle", "test", "good", 0, 0), 64).gt.any()


def test_a_defect_that_never_shows_is_an_error(parts: dict[str, Part]):
    with pytest.raises(RuntimeError, match="did not show"):
        spoil(parts["cracker"], lambda part, *_: part.surface, 0.5, np.random.default_rng(0))


def test_mask_compares_height_and_colour_and_drops_specks(parts: dict[str, Part]):
    sound = parts["flange"].surface
    height_mm, albedo = sound.height_mm.copy(), sound.albedo.copy()
    height_mm[20:40, 20:40] += 1.5 * HEIGHT_LIMIT_MM
    height_mm[60:80, 60:80] += 0.5 * HEIGHT_LIMIT_MM
    albedo[50:60, 20:40] = 0.0
    height_mm[100, 100] += 5.0
    gt = defect_mask(sound, sound.changed(height_mm=height_mm, albedo=albedo))
    wanted = np.zeros_like(gt)
    wanted[20:40, 20:40] = True
    wanted[50:60, 20:40] = True
    assert np.array_equal(gt, wanted)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(-1.0, 30.0))
def test_points_are_as_high_over_the_table_as_asked(seed: int, height_mm: float):
    view = draw_view(64, np.random.default_rng(seed))
    points_mm = 1000.0 * view.points_m(np.full((64, 64), height_mm, np.float32)).astype(np.float64)
    heights = points_mm @ np.array(view.normal) + view.distance_mm
    assert np.abs(heights - height_mm).max() < 1e-3


def test_table_coordinates_are_distances_on_the_table():
    view = View(
        64, 450.0, tuple(np.array([0.05, -0.03, -1.0]) / np.hypot(1.0, np.hypot(0.05, 0.03)))
    )
    u_mm, v_mm = view.table_mm()
    points_mm = 1000.0 * view.points_m(np.zeros((64, 64), np.float32)).astype(np.float64)
    for first, second in (((3, 5), (60, 11)), ((0, 0), (63, 63)), ((40, 2), (2, 50))):
        apart = np.linalg.norm(points_mm[first] - points_mm[second])
        on_table = np.hypot(u_mm[first] - u_mm[second], v_mm[first] - v_mm[second])
        assert on_table == pytest.approx(apart, abs=1e-3)
    assert np.abs([u_mm[31:33, 31:33].mean(), v_mm[31:33, 31:33].mean()]).max() < 0.01
    assert u_mm[0, 63] > 0.0 > u_mm[0, 0]
    assert v_mm[63, 0] > 0.0 > v_mm[0, 0]
