import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcrdf.anomalies.clean import CleanSample
from dcrdf.anomalies.draw import Draw
from dcrdf.anomalies.inject import Anomaly, make_variant
from dcrdf.anomalies.textures import texture_set
from dcrdf.config.options import PseudoOptions
from dcrdf.errors import UserError
from dcrdf.files.png import write_png

SHAPES = ("disc", "bar", "corner", "field")


def options_of(**changes):
    return PseudoOptions(**changes)


@given(
    seed=st.integers(0, 2**63),
    shape=st.sampled_from(SHAPES),
    mask=st.sampled_from(["literal", "blobs"]),
    variant=st.sampled_from(["joint", "modality"]),
    edge=st.sampled_from(["emphasise", "attenuate"]),
    strength=st.sampled_from(["weighted", "uniform"]),
    size=st.sampled_from([64, 96]),
)
@settings(max_examples=60, deadline=None)
def test_what_holds_for_every_variant(clean_of, seed, shape, size, **choices):
    clean = clean_of(size, 0, shape)
    before = [array.copy() for array in clean]
    made = make_variant(*clean, options_of(**choices), seed)
    for array, copy in zip(clean, before, strict=True):
        np.testing.assert_array_equal(array, copy)
    assert made.rgb.dtype == np.uint8
    assert made.depth.dtype == np.float32
    assert made.mask.any()
    np.testing.assert_array_equal(made.mask, made.soft > 0.5)
    np.testing.assert_array_equal(made.depth[~made.mask], clean.depth[~made.mask])
    untouched = made.soft == 0.0
    np.testing.assert_array_equal(made.rgb[untouched], clean.rgb[untouched])
    share = made.mask.sum() / clean.foreground.sum()
    assert 0.004 <= share <= 0.12
    assert np.isfinite(made.depth).all()
    if made.modality == "colour":
        np.testing.assert_array_equal(made.depth, clean.depth)
    else:
        assert (made.depth != clean.depth).any()
    if made.modality == "depth":
        np.testing.assert_array_equal(made.rgb, clean.rgb)
    else:
        assert (made.rgb != clean.rgb).any()


@given(seed=st.integers(0, 2**63), mask=st.sampled_from(["literal", "blobs"]))
@settings(max_examples=10, deadline=None)
def test_equal_seeds_give_equal_bits_and_others_do_not(disc, seed, mask):
    options = options_of(mask=mask)
    first, again, other = (make_variant(*disc, options, s) for s in (seed, seed, seed + 1))
    for name in ("rgb", "depth", "mask", "soft"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(first.mask, other.mask)
    assert not np.array_equal(first.rgb, other.rgb)


@pytest.mark.parametrize("mask", ["literal", "blobs"])
def test_bits_do_not_depend_on_where_arrays_lie_in_memory(clean_of, mask):
    clean, options = clean_of(96, 1, "disc"), options_of(mask=mask)
    first = make_variant(*clean, options, 5)
    for length in range(1, 4000, 133):
        occupied = np.full(length, np.nan, dtype=np.float32)
        moved = [array.copy() for array in clean]
        again = make_variant(*moved, options, 5)
        np.testing.assert_array_equal(first.rgb, again.rgb)
        np.testing.assert_array_equal(first.depth, again.depth)
        assert len(occupied) == length


def whole_image(sample, image):
    whole = np.zeros(sample.depth.shape)
    whole[sample.window] = image
    return whole


def anomaly_of(sample, options, seed):
    rng = np.random.default_rng(seed)
    draw = Draw.of(options, rng)
    return draw, Anomaly.of(sample, options, draw, rng)


def slow_guided(guide, image, radius, eps):
    def mean(x):
        padded = np.pad(x, radius, mode="symmetric")
        side = 2 * radius + 1
        windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side))
        return windows.mean(axis=(2, 3))

    slope = mean(guide * image) - mean(guide) * mean(image)
    slope /= mean(guide * guide) - mean(guide) ** 2 + eps
    return mean(slope) * guide + mean(mean(image) - slope * mean(guide))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("strength", ["weighted", "uniform"])
def test_depth_is_eq_7_on_the_whole_image(clean_of, shape, strength):
    clean, options = clean_of(128, 2, shape), options_of(strength=strength)
    sample = CleanSample.of(*clean, options)
    for seed in range(3):
        draw, anomaly = anomaly_of(sample, options, seed)
        made = make_variant(*clean, options, seed)
        field = whole_image(sample, anomaly.field)
        smoothed = slow_guided(clean.depth.astype(np.float64), field, 4, 1e-3)
        soft = made.soft.astype(np.float64)
        weight = whole_image(sample, sample.weight) if strength == "weighted" else 1.0
        offset = clean.depth.astype(np.float64) + 0.5
        changed = offset * (1.0 + draw.depth_strength * soft * weight * smoothed)
        expected = (1.0 - soft) * offset + soft * changed - 0.5
        expected = np.clip(expected, -1.0, 2.0)
        np.testing.assert_allclose(made.depth[made.mask], expected[made.mask], atol=1e-5)


@pytest.fixture(scope="module")
def flat_texture(tmp_path_factory):
    """A texture without deviation: matched to a part it is the part's mean colour."""
    folder = tmp_path_factory.mktemp("flat")
    write_png(folder / "flat.png", np.full((32, 32, 3), 77, dtype=np.uint8))
    return str(folder)


@pytest.mark.parametrize("shape", SHAPES)
def test_colour_is_eq_6_on_the_whole_image(clean_of, flat_texture, shape):
    clean, options = clean_of(128, 2, shape), options_of(textures=flat_texture)
    sample = CleanSample.of(*clean, options)
    for seed in range(4):
        draw, anomaly = anomaly_of(sample, options, seed)
        soft, field, texture, weight = (
            whole_image(sample, image)[..., None]
            for image in (anomaly.soft, anomaly.field, sample.texture, sample.weight)
        )
        rho = np.clip(draw.texture_share + 0.3 * (texture - 0.5), 0.0, 1.0)
        brightened = np.clip(
            clean.rgb * (1.0 + draw.colour_strength * soft * weight * field), 0.0, 255.0
        )
        mean = clean.rgb[clean.foreground].mean(axis=0)
        expected = (1.0 - soft) * clean.rgb + soft * ((1.0 - rho) * brightened + rho * mean)
        made = make_variant(*clean, options, seed)
        np.testing.assert_allclose(made.rgb, expected, atol=0.51)
        assert np.abs(made.rgb - clean.rgb.astype(float)).max() > 5.0


def test_a_full_texture_share_shows_the_texture_in_the_parts_colours(clean_of):
    clean = clean_of(128, 3, "disc")
    options = options_of(texture_share=(1.0, 1.0), mask_share=(0.5, 1.0), quantile=(0.0, 0.0))
    part = clean.rgb[clean.foreground].astype(np.float64)
    means, deviations = [], []
    for seed in range(24):
        made = make_variant(*clean, options, seed)
        inside = made.rgb[made.mask].astype(np.float64)
        means.append(inside.mean(axis=0))
        deviations.append(inside.std(axis=0))
    np.testing.assert_allclose(np.mean(means, axis=0), part.mean(axis=0), rtol=0.08)
    np.testing.assert_allclose(np.mean(deviations, axis=0), part.std(axis=0), rtol=0.25)


def test_texture_shift_moves_the_colour(clean_of):
    clean = clean_of(128, 3, "disc")
    wide = {"texture_share": (1.0, 1.0), "mask_share": (0.5, 1.0), "quantile": (0.0, 0.0)}

    def distance(shift):
        options = options_of(texture_shift=shift, **wide)
        mean = clean.rgb[clean.foreground].mean(axis=0)
        made = (make_variant(*clean, options, seed) for seed in range(6))
        return np.mean([np.abs(x.rgb[x.mask].mean(axis=0) - mean).mean() for x in made])

    assert distance(1.0) > 3.0 * distance(0.0)


def test_textures_turn_and_differ_between_variants(disc):
    options = options_of(texture_share=(1.0, 1.0))
    draws = [Draw.of(options, np.random.default_rng(seed)) for seed in range(50)]
    chosen = {int(draw.texture * len(texture_set("procedural", 0))) for draw in draws}
    assert len(chosen) > 20
    assert np.ptp([draw.turn_rad for draw in draws]) > 5.0
    assert min(draw.zoom for draw in draws) < 0.7
    assert max(draw.zoom for draw in draws) > 1.4


def test_signs_and_modalities_are_drawn_evenly():
    options = options_of(variant="modality")
    draws = [Draw.of(options, np.random.default_rng(seed)) for seed in range(600)]
    for sign in (
        np.sign([draw.colour_strength for draw in draws]),
        np.sign([draw.depth_strength for draw in draws]),
    ):
        assert 0.42 < np.mean(sign > 0) < 0.58
    for modality in ("joint", "colour", "depth"):
        assert 0.26 < np.mean([draw.modality == modality for draw in draws]) < 0.41
    assert {Draw.of(options_of(), np.random.default_rng(s)).modality for s in range(50)} == {
        "joint"
    }


def test_draws_stay_in_their_ranges():
    options = options_of(quantile=(0.8, 0.85), depth_strength=(0.2, 0.3))
    for seed in range(50):
        draw = Draw.of(options, np.random.default_rng(seed))
        assert 0.8 <= draw.quantile <= 0.85
        assert 0.2 <= abs(draw.depth_strength) <= 0.3
        assert 0.3 <= abs(draw.colour_strength) <= 1.0


def test_an_empty_foreground_is_refused(disc, plain):
    with pytest.raises(UserError, match="foreground: no pixel of the part"):
        make_variant(disc.rgb, disc.depth, np.zeros_like(disc.foreground), plain, 0)


def test_heights_stay_within_the_preparations_range(disc):
    tall = np.full_like(disc.depth, 1.9)
    options = options_of(depth_strength=(5.0, 5.0), strength="uniform")
    for seed in range(4):
        made = make_variant(disc.rgb, tall, disc.foreground, options, seed)
        assert made.depth.max() <= 2.0
        assert made.depth.min() >= -1.0


def test_missing_points_are_no_edge_in_a_frame_filling_part(clean_of, plain):
    clean = clean_of(96, 0, "field")
    gaps = clean.foreground.copy()
    gaps[40:44, 20:60] = False
    sample = CleanSample.of(clean.rgb, clean.depth, gaps, plain, bounded=False)
    np.testing.assert_array_equal(sample.weight, sample.texture)
    made = make_variant(clean.rgb, clean.depth, gaps, plain, 1, bounded=False)
    assert made.mask.any()


def test_paper_values_are_the_defaults(plain):
    assert plain.variants == 4
    assert (plain.perlin_grids, plain.perlin_weights) == ((16, 32, 64), (0.5, 0.3, 0.2))
    assert (plain.mask, plain.variant, plain.edge, plain.strength) == (
        "literal",
        "joint",
        "emphasise",
        "weighted",
    )
    assert plain.texture_shift == 0.0
    assert (plain.edge_tau, plain.edge_alpha, plain.edge_band_share) == (1.0, 0.3, 0.03)
    assert (plain.guide_radius_px, plain.guide_eps) == (4, 1e-3)
