import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcrdf.errors import UserError
from dcrdf.metrics import UndefinedMetricWarning, aupro, pro_curve

LIMITS = (1.0, 0.3, 0.1, 0.05, 0.01)
KINDS = ("random", "tied", "quantised", "constant", "outlier", "neighbours", "separated")
SPLITS = {
    "kind": st.sampled_from(KINDS),
    "dtype": st.sampled_from([np.float16, np.float32, np.float64]),
    "seed": st.integers(0, 10_000),
}


@settings(max_examples=80, deadline=None)
@given(**SPLITS)
def test_exact_equals_oracle(oracle, make_split, kind, dtype, seed):
    split = make_split(kind, dtype, seed)
    points = oracle.pro_points(split.maps, split.masks)
    expected = [oracle.area(points, limit) for limit in LIMITS]
    assert aupro(split.maps, split.masks, LIMITS) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(**SPLITS)
def test_curve_is_the_oracles_curve(oracle, make_split, kind, dtype, seed):
    split = make_split(kind, dtype, seed)
    points = oracle.pro_points(split.maps, split.masks)
    fpr, overlap = pro_curve(split.maps, split.masks)
    assert (fpr[0], overlap[0], fpr[-1], overlap[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert (np.diff(fpr) >= 0).all()
    assert (np.diff(overlap) >= 0).all()
    highest = {float(one_fpr): float(one_overlap) for one_fpr, one_overlap in points}
    for one_fpr, one_overlap in highest.items():
        bends = np.isclose(fpr, one_fpr, rtol=0, atol=1e-12)
        found = overlap[bends].max() if bends.any() else np.interp(one_fpr, fpr, overlap)
        assert found == pytest.approx(one_overlap, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(**SPLITS)
def test_kit_mode_equals_oracle(oracle, make_split, kind, dtype, seed):
    split = make_split(kind, dtype, seed, good=4, defect=4, side=12)
    points = oracle.kit_points(split.maps, split.masks)
    expected = [oracle.area(points, limit) for limit in LIMITS]
    areas = aupro(split.maps, split.masks, LIMITS, mode="mvtec100")
    assert areas == pytest.approx(expected, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(**SPLITS)
def test_only_the_order_of_scores_matters(make_split, kind, dtype, seed):
    split = make_split(kind, dtype, seed)
    stretched = [np.cbrt(scores.astype(np.float64)) * 5 - 3 for scores in split.maps]
    before = aupro(split.maps, split.masks, LIMITS)
    assert aupro(stretched, split.masks, LIMITS) == pytest.approx(before, abs=1e-12)


def image(*rows: str) -> np.ndarray:
    return np.array([[int(cell) for cell in row.split()] for row in rows], dtype=np.float64)


def test_exact_fractions_by_hand():
    """A one-pixel region and one of three pixels joined over corners; 12 normal pixels."""
    scores = image("9 0 0 0", "0 8 0 2", "0 0 5 0", "7 0 0 8")
    mask = image("1 0 0 0", "0 1 0 0", "0 0 1 0", "0 0 0 1") > 0
    other = np.where(mask, 0.0, scores)
    other_mask = np.zeros_like(mask)
    other_mask[3, 0] = True
    maps, masks = [scores, other], [mask, other_mask]
    # Diagonal: 9, 8, 8, 5 (one region of 4); the other image's region: 7, with 15 normals.
    # Thresholds: 9: 1/8; 8: 3/8; 7: 3/8 + 1/2 while one normal of 27 (scores[3, 0] = 7) ties;
    # 5: 1; 2: two normals more; 0: the rest.
    normals = 12 + 15
    fpr, overlap = pro_curve(maps, masks)
    assert fpr * normals == pytest.approx([0, 0, 0, 1, 1, normals])
    assert overlap == pytest.approx([0, 1 / 8, 3 / 8, 7 / 8, 1, 1])
    limit = 2 / normals
    assert aupro(maps, masks, limit) == pytest.approx(((3 / 8 + 7 / 8) / 2 + 1) / 2)


def test_tie_is_one_threshold_and_cut_linearly():
    maps, masks = np.zeros((1, 2, 5)), np.zeros((1, 2, 5), dtype=bool)
    masks[0, 0, 0] = True
    assert aupro(maps, masks, 1.0) == pytest.approx(0.5)
    assert aupro(maps, masks, 0.2) == pytest.approx(0.1)


def test_regions_count_alike_whatever_their_size():
    maps, masks = np.zeros((1, 10, 10)), np.zeros((1, 10, 10), dtype=bool)
    masks[0, :5] = True
    masks[0, 9, 9] = True
    maps[0, :5] = 2.0
    maps[0, 9, 9] = -1.0
    assert aupro(maps, masks, 0.3) == pytest.approx(0.5)


def test_perfect_and_useless_maps():
    masks = np.zeros((2, 8, 8), dtype=bool)
    masks[0, 2:4, 2:4] = True
    assert aupro(masks.astype(np.float32), masks, LIMITS) == pytest.approx((1.0,) * 5, abs=1e-15)
    assert aupro(1 - masks.astype(np.float32), masks, (0.3, 0.01)) == (0.0, 0.0)


def test_good_images_count_as_false_positives():
    rng = np.random.default_rng(3)
    maps, masks = rng.random((2, 16, 16)), np.zeros((2, 16, 16), dtype=bool)
    masks[0, 3:6, 3:6] = True
    maps[1] = 2.0
    assert aupro(maps, masks, 0.5) == pytest.approx(0.0, abs=1e-9)
    assert aupro(maps[:1], masks[:1], 0.5) > 0.05


def test_more_than_2_to_24_pixels_are_counted_exactly():
    side = 2400
    maps = np.full((3, side, side), 0.25, dtype=np.float16)
    masks = np.zeros(maps.shape, dtype=bool)
    masks[0, 5, 5] = masks[1, 7, 7] = True
    maps[0, 5, 5], maps[1, 7, 7], maps[2, 0, 0] = 1.0, 0.5, 0.75
    normals = maps.size - 2
    assert normals > 1 << 24
    for dtype in (np.float16, np.float32):
        fpr, overlap = pro_curve(maps.astype(dtype, copy=False), masks)
        assert fpr.tolist() == [0.0, 0.0, 1 / normals, 1 / normals, 1.0]
        assert overlap.tolist() == [0.0, 0.5, 0.5, 1.0, 1.0]


def test_arrays_and_lists_and_mixed_types_agree(make_split):
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(4, 9, 9)).astype(np.float16)
    masks = rng.random((4, 9, 9)) < 0.1
    expected = aupro(maps, masks, LIMITS)
    mixed = [maps[0], maps[1].astype(np.float64), maps[2].astype(np.float32), maps[3][:, ::1]]
    assert aupro(list(maps), list(masks), LIMITS) == expected
    assert aupro(mixed, masks, LIMITS) == pytest.approx(expected, abs=1e-14)
    assert aupro(maps, masks, 0.3) == expected[1]


def test_input_is_left_alone():
    rng = np.random.default_rng(0)
    maps, masks = rng.random((3, 8, 8)).astype(np.float32), rng.random((3, 8, 8)) < 0.1
    before = maps.copy(), masks.copy()
    for mode in ("exact", "mvtec100"):
        aupro(maps, masks, mode=mode)
    assert (maps == before[0]).all()
    assert (masks == before[1]).all()


@pytest.mark.parametrize("mode", ["exact", "mvtec100"])
@pytest.mark.parametrize("defect", [False, True])
def test_undefined_without_defects_or_without_normals(mode, defect):
    maps, masks = np.zeros((2, 4, 4)), np.full((2, 4, 4), defect)
    with pytest.warns(UndefinedMetricWarning, match="AUPRO is undefined"):
        assert np.isnan(aupro(maps, masks, mode=mode))
    with pytest.warns(UndefinedMetricWarning):
        assert [curve.size for curve in pro_curve(maps, masks, mode=mode)] == [0, 0]


MAPS = np.zeros((2, 4, 4))
MASKS = np.eye(4, dtype=bool)[None].repeat(2, axis=0)


@pytest.mark.parametrize(
    ("maps", "masks", "message"),
    [
        (np.where(MASKS, np.nan, MAPS), MASKS, "map 0 holds NaN"),
        (np.where(MASKS, MAPS, np.inf), MASKS, "map 0 holds NaN or infinite"),
        (MAPS, MASKS.astype(np.uint8), "mask 0 is of type uint8"),
        (MAPS.astype(np.uint8), MASKS, "map 0 is of type uint8"),
        (MAPS[:1], MASKS, "2 masks for 1 maps"),
        (MAPS[:, :3], MASKS, "mask 0 has shape"),
        (MAPS[0], MASKS[0], "maps: has shape"),
        ([], [], "maps: is empty"),
        ((one for one in MAPS), MASKS, "maps: cannot be read twice"),
        ([MAPS, MAPS], [MASKS, MASKS], "map 0 has shape"),
        (np.zeros((2, 0, 4)), np.zeros((2, 0, 4), dtype=bool), "map 0 has shape"),
    ],
)
def test_bad_input(maps, masks, message):
    with pytest.raises(UserError, match=message):
        aupro(maps, masks)


@pytest.mark.parametrize("limit", [0.0, -0.1, 1.1, float("nan"), (0.3, 2.0), ()])
def test_bad_limit(limit):
    with pytest.raises(UserError, match="limit"):
        aupro(MAPS, MASKS, limit)


def test_unknown_mode():
    with pytest.raises(UserError, match="mode: 'mvtec200' is unknown"):
        aupro(MAPS, MASKS, mode="mvtec200")
