import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dcrdf.anomalies.edges import edge_weight, signed_distance_px, spatial_mask

MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=24))


def slow_distance(mask):
    """To the nearest pixel centre of the other kind, less the half pixel to the boundary."""
    points = np.argwhere(np.ones_like(mask))
    inside, outside = np.argwhere(mask), np.argwhere(~mask)
    distances = np.empty(mask.shape)
    for row, column in points:
        others = outside if mask[row, column] else inside
        nearest = np.hypot(others[:, 0] - row, others[:, 1] - column).min()
        distances[row, column] = (nearest - 0.5) * (1 if mask[row, column] else -1)
    return distances


@given(mask=MASKS)
@settings(max_examples=60, deadline=None)
def test_distance_is_near_the_exact_one(mask):
    fast = signed_distance_px(mask)
    if mask.all() or not mask.any():
        assert np.isinf(fast).all()
        return
    exact = slow_distance(mask)
    assert ((fast > 0) == mask).all()
    assert (np.abs(fast - exact) <= 0.03 * (np.abs(exact) + 0.5) + 1e-4).all()


@given(mask=MASKS)
@settings(max_examples=30, deadline=None)
def test_the_two_sides_mirror_each_other(mask):
    np.testing.assert_array_equal(signed_distance_px(mask), -signed_distance_px(~mask))


@given(mask=MASKS, tau=st.floats(0.05, 20.0))
@settings(max_examples=60, deadline=None)
def test_weight_falls_from_the_boundary_and_attenuate_is_its_complement(mask, tau):
    distance = signed_distance_px(mask)
    weight = edge_weight(distance, tau, "emphasise")
    if mask.all() or not mask.any():
        assert (weight == 1.0).all()
        return
    assert (weight[mask] >= np.exp(-1.0 / tau) * (1 - 1e-5)).all()
    assert (weight <= 1.0).all()
    order = np.argsort(np.abs(distance), axis=None)
    assert (np.diff(weight.ravel()[order]) <= 1e-6).all()
    np.testing.assert_allclose(edge_weight(distance, tau, "attenuate"), 1.0 - weight, atol=1e-6)


def test_weight_on_a_hand_made_bar():
    mask = np.zeros((9, 9), dtype=bool)
    mask[:, 2:7] = True
    weight = edge_weight(signed_distance_px(mask), 1.0, "emphasise")
    # Distances 0.5, 1.5, 2.5, 1.5, 0.5 inside, over the deepest 2.5.
    np.testing.assert_allclose(weight[4, 2:7], np.exp([-0.2, -0.6, -1.0, -0.6, -0.2]), rtol=1e-5)
    np.testing.assert_allclose(weight[4, :2], np.exp([-0.6, -0.2]), rtol=1e-5)


def test_a_frame_filling_part_has_weight_one_and_keeps_its_gaps():
    mask = np.ones((16, 16), dtype=bool)
    mask[4:6, 4:9] = False
    distance = signed_distance_px(mask, bounded=False)
    weight = edge_weight(distance, 1.0, "emphasise")
    assert (weight == 1.0).all()
    np.testing.assert_array_equal(spatial_mask(distance, weight, 0.3, 5.0), mask.astype(float))


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_spatial_mask_is_one_inside_faint_in_the_band_and_zero_beyond(alpha):
    mask = np.zeros((40, 40), dtype=bool)
    mask[15:25, 15:25] = True
    distance = signed_distance_px(mask)
    weight = edge_weight(distance, 1.0, "emphasise")
    spatial = spatial_mask(distance, weight, alpha, band_px=4.0)
    exact = slow_distance(mask)
    assert (spatial[mask] == 1.0).all()
    assert (spatial[exact <= -4.5] == 0.0).all()
    band = (exact < 0) & (exact > -3.5)
    np.testing.assert_allclose(spatial[band], alpha * weight[band], rtol=1e-6)
