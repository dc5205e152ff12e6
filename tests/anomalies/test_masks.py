from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from dcrdf.anomalies.clean import CleanSample
from dcrdf.anomalies.inject import make_variant
from dcrdf.anomalies.masks import _closed, blob_mask, changed_share, literal_mask, quantile_of
from dcrdf.anomalies.perlin import perlin_field
from dcrdf.config.options import PseudoOptions

SHARES = (0.005, 0.10)
SQUARE = np.ones((3, 3), dtype=bool)


def field_of(sample, seed, lattices=((8, 8), (16, 16))):
    weights = (0.6, 0.4)
    field = perlin_field(len(sample.rgb), lattices, weights, 1.0, np.random.default_rng(seed))
    return np.ascontiguousarray(field[sample.window])


@given(
    values=hnp.arrays(np.float32, st.integers(1, 400), elements=st.floats(-9, 9, width=32)),
    level=st.floats(0.0, 1.0),
)
@settings(max_examples=200, deadline=None)
def test_quantile_is_a_rank_of_the_sorted_values(values, level):
    threshold = quantile_of(values, level)
    wanted = np.sort(values)[int(level * (len(values) - 1))]
    assert threshold == wanted or wanted == values.max() > threshold
    assert (values > threshold).any()


def test_quantile_of_many_values():
    values = np.random.default_rng(0).standard_normal(60_000).astype(np.float32)
    for level in (0.0, 0.3, 0.9, 0.95, 0.995):
        assert quantile_of(values, level) == np.sort(values)[int(level * 59_999)]


def slow_literal_mask(sample, field, quantile):
    """Eq. 4-5 as written, with the sigmoid."""
    u = 1.0 / (1.0 + np.exp(-(field * sample.weight).astype(np.float64)))
    inside = np.sort(u[sample.spatial > 0.5])
    marked = sample.spatial * (u > inside[int(quantile * (len(inside) - 1))])
    grown = ndimage.grey_dilation(marked, (3, 3), mode="constant", cval=-np.inf)
    return ndimage.grey_erosion(grown, (3, 3), mode="constant", cval=np.inf)


@pytest.mark.parametrize("shape", ["disc", "bar", "corner", "field"])
@pytest.mark.parametrize("quantile", [0.93, 0.99])
def test_literal_mask_is_the_formula(clean_of, plain, shape, quantile):
    sample = CleanSample.of(*clean_of(96, 1, shape), plain)
    field = field_of(sample, 2)
    soft = literal_mask(sample, field, quantile, SHARES)
    np.testing.assert_allclose(soft, slow_literal_mask(sample, field, quantile), rtol=1e-6)


@pytest.mark.parametrize("quantile", [0.0, 0.5, 0.9, 0.999, 1.0])
def test_literal_share_stays_in_bounds(disc, plain, quantile):
    sample = CleanSample.of(*disc, plain)
    soft = literal_mask(sample, field_of(sample, 3), quantile, SHARES)
    assert SHARES[0] <= changed_share(sample, soft) <= SHARES[1]


@pytest.mark.parametrize("mask", ["literal", "blobs"])
@pytest.mark.parametrize("shares", [(0.0, 0.1), (0.0, 0.0), (1.0, 1.0)])
def test_extreme_shares_never_give_an_empty_mask(disc, mask, shares):
    options = PseudoOptions(mask=mask, mask_share=shares, quantile=(1.0, 1.0))
    assert make_variant(*disc, options, 0).mask.any()


@pytest.mark.parametrize("shape", ["disc", "bar", "field"])
def test_blobs_are_few_connected_and_inside(clean_of, plain, shape):
    clean = clean_of(128, 4, shape)
    sample = CleanSample.of(*clean, plain)
    part = clean.foreground[sample.window]
    counts = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        soft = blob_mask(sample, field_of(sample, seed, ((4, 4), (8, 8))), 0.95, SHARES, rng)
        mask = soft > 0.5
        _, count = ndimage.label(mask, SQUARE)
        counts.append(count)
        assert not (soft[~mask] > 0).any()
        assert not (mask & ~ndimage.binary_closing(part, SQUARE) & ~part).any()
        assert 0.004 <= changed_share(sample, soft) <= 0.11
    assert set(counts) <= {1, 2, 3}
    assert len(set(counts)) > 1


def test_blobs_lie_anywhere_while_the_literal_mask_prefers_texture(clean_of, plain):
    clean = clean_of(128, 5, "field")
    rgb = clean.rgb.copy()
    rgb[:, 64:] = (rgb[:, 64:] // 4) + 100
    sample = CleanSample.of(rgb, clean.depth, clean.foreground, plain)
    left = {"literal": 0, "blobs": 0}
    for seed in range(20):
        field = field_of(sample, seed, ((4, 4), (8, 8)))
        literal = literal_mask(sample, field, 0.95, SHARES) > 0.5
        blobs = blob_mask(sample, field, 0.95, SHARES, np.random.default_rng(seed)) > 0.5
        left["literal"] += literal[:, :64].mean() / literal.mean() / 2 / 20
        left["blobs"] += blobs[:, :64].mean() / blobs.mean() / 2 / 20
    assert left["literal"] > 0.85
    assert 0.25 < left["blobs"] < 0.75


@pytest.mark.parametrize("mask", ["literal", "blobs"])
@pytest.mark.parametrize("pixels", [1, 2, 5, 40])
def test_a_tiny_part_still_changes(clean_of, mask, pixels):
    clean = clean_of(64, 6, "disc")
    part = np.zeros((64, 64), dtype=bool)
    part.reshape(-1)[64 * 30 + 10 : 64 * 30 + 10 + pixels] = True
    sample = CleanSample.of(clean.rgb, clean.depth, part, PseudoOptions(mask=mask))
    field = field_of(sample, 0)
    rng = np.random.default_rng(0)
    made = {
        "literal": lambda: literal_mask(sample, field, 0.95, SHARES),
        "blobs": lambda: blob_mask(sample, field, 0.95, SHARES, rng),
    }[mask]()
    assert (made > 0.5).any()


def test_a_saturated_field_still_gives_a_mask(clean_of, plain):
    clean = clean_of(64, 7, "field")
    rgb = np.full_like(clean.rgb, 100)
    sample = CleanSample.of(rgb, clean.depth, clean.foreground, plain)
    field = np.where(field_of(sample, 0) > 0.0, np.float32(1.0), np.float32(-1.0))
    assert (literal_mask(sample, field, 0.95, SHARES) > 0.5).any()


@pytest.mark.parametrize("level", [-0.5, 0.0, 0.4])
def test_a_part_without_an_edge_is_closed_like_any_other(clean_of, plain, level):
    """Masks of zeros and ones take a shorter way to the same bits."""
    sample = CleanSample.of(*clean_of(64, 8, "field"), plain)
    assert sample.solid
    field, threshold = field_of(sample, 1), np.float32(level)
    short, long = (_closed(one, field, threshold) for one in (sample, replace(sample, solid=False)))
    assert short.dtype == long.dtype
    np.testing.assert_array_equal(short, long)
