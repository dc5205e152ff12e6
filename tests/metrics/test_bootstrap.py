import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcrdf.errors import UserError
from dcrdf.metrics import bootstrap, compare, evaluate, weighted_pixels
from dcrdf.metrics.bootstrap import resample_weights

KINDS = ("random", "tied", "quantised", "constant", "outlier", "neighbours", "separated")


def evaluate_drawn(split, weights, limits):
    """The slow way: put every image into the split as often as it was drawn."""
    drawn = np.repeat(np.arange(weights.size), weights.astype(int))
    return evaluate(
        [split.maps[index] for index in drawn],
        [split.masks[index] for index in drawn],
        split.image_scores[drawn],
        split.labels[drawn],
        limits,
    ).values()


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
    seed=st.integers(0, 10_000),
)
def test_equals_evaluating_each_resample(make_split, kind, dtype, seed):
    split = make_split(kind, dtype, seed, good=4, defect=5)
    limits = (0.3, 0.1, 0.01, 1.0)
    result = bootstrap(
        split.maps,
        split.masks,
        split.image_scores,
        split.labels,
        limits=limits,
        resamples=8,
        seed=seed,
    )
    everything = np.ones(9)
    assert result.estimates == pytest.approx(evaluate_drawn(split, everything, limits), abs=1e-9)
    for row, weights in enumerate(resample_weights(split.labels, 8, seed)):
        found = {metric: values[row] for metric, values in result.resampled.items()}
        assert found == pytest.approx(evaluate_drawn(split, weights, limits), abs=1e-9)
    for image in range(9):
        found = {metric: values[image] for metric, values in result.left_out.items()}
        left = everything - np.eye(9)[image]
        assert found == pytest.approx(evaluate_drawn(split, left, limits), abs=1e-9)


def test_blocks_do_not_matter(make_split, monkeypatch):
    split = make_split("quantised", np.float32, 3, good=4, defect=5, side=12)
    whole = run(split)
    for cells in (1, 100, 1000):
        monkeypatch.setattr(weighted_pixels, "BLOCK_CELLS", cells)
        parts = run(split)
        for metric, values in whole.resampled.items():
            np.testing.assert_allclose(parts.resampled[metric], values, rtol=0, atol=1e-12)


def run(split, seed=0, resamples=30, shift=0.0):
    scores = split.image_scores + shift * split.labels
    maps = [one + shift * mask for one, mask in zip(split.maps, split.masks, strict=True)]
    return bootstrap(maps, split.masks, scores, split.labels, resamples=resamples, seed=seed)


def test_seed_decides(make_split):
    split = make_split(good=6, defect=6)
    first, again, other = run(split), run(split), run(split, seed=1)
    for metric in first.estimates:
        np.testing.assert_array_equal(first.resampled[metric], again.resampled[metric])
    assert any((first.resampled[m] != other.resampled[m]).any() for m in first.estimates)


def test_good_and_defect_images_are_drawn_apart():
    labels = np.array([True, False, True, False, True])
    weights = resample_weights(labels, 500, 0)
    assert (weights[:, labels].sum(axis=1) == 3).all()
    assert (weights[:, ~labels].sum(axis=1) == 2).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(5), abs=0.12)
    assert (resample_weights(labels, 20, 7) == resample_weights(labels, 20, 7)).all()


def test_intervals_hold_the_estimate_and_widen_with_confidence(make_split):
    result = run(make_split(good=10, defect=10, side=12), resamples=300)
    wide, narrow = result.intervals(0.99), result.intervals(0.5)
    for metric, interval in wide.items():
        assert interval.low <= interval.estimate <= interval.high
        assert interval.high - interval.low > narrow[metric].high - narrow[metric].low


def test_a_perfect_run_has_a_point_interval(make_split):
    interval = run(make_split("separated", good=5, defect=5)).interval("p_auroc")
    assert (interval.low, interval.high) == (1.0, 1.0)


def test_without_defects_every_value_is_nan():
    maps, masks = np.random.default_rng(0).random((4, 5, 5)), np.zeros((4, 5, 5), dtype=bool)
    result = bootstrap(maps, masks, np.arange(4.0), np.zeros(4, dtype=bool), resamples=5)
    for interval in result.intervals().values():
        assert np.isnan([interval.estimate, interval.low, interval.high]).all()


def test_resamples_without_a_region_are_left_out():
    """One of two defect images lost its region to resizing: half a quarter draws only that."""
    maps, masks = np.random.default_rng(0).random((4, 6, 6)), np.zeros((4, 6, 6), dtype=bool)
    masks[3, 2, 2:4] = True
    result = bootstrap(maps, masks, np.arange(4.0), [0, 0, 1, 1], resamples=200)
    undefined = np.isnan(result.resampled["aupro_30"])
    assert 0.15 < undefined.mean() < 0.35
    assert np.isfinite(result.resampled["i_auroc"]).all()
    assert np.isfinite(result.interval("aupro_30").low)


def test_compare_a_run_with_itself(make_split):
    result = run(make_split(good=5, defect=5))
    for difference in compare(result, result).values():
        assert (difference.interval.estimate, difference.interval.low) == (0.0, 0.0)
        assert difference.p_value == 1.0


def test_compare_sees_a_better_run(make_split):
    split = make_split(good=12, defect=12, side=12)
    better, worse = run(split, resamples=400, shift=1.5), run(split, resamples=400)
    differences, reverse = compare(better, worse), compare(worse, better)
    for metric in ("i_auroc", "p_auroc", "aupro_30"):
        gain = differences[metric]
        assert gain.interval.low > 0
        assert gain.p_value < 0.05
        assert reverse[metric].interval.high == pytest.approx(-gain.interval.low)
        assert reverse[metric].p_value == gain.p_value


def test_pairing_is_worth_it(make_split):
    """Two runs that differ little: the paired interval is far narrower than the runs' own."""
    split = make_split(good=12, defect=12, side=12)
    first, second = run(split, resamples=200, shift=0.05), run(split, resamples=200)
    paired = compare(first, second)["p_auroc"].interval
    alone = first.interval("p_auroc")
    assert paired.high - paired.low < 0.3 * (alone.high - alone.low)


def test_equal_runs_are_seldom_called_different():
    """Two noisy runs of the same quality, 200 times: at most about 5 % reach p < 0.05."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) >= 20
    maps, masks = np.zeros((60, 1, 1)), labels[:, None, None] & np.zeros((60, 1, 1), dtype=bool)
    called = 0
    for seed in range(200):
        shared = rng.normal(size=60) + 1.2 * labels
        runs = [
            bootstrap(maps, masks, shared + rng.normal(size=60), labels, resamples=200, seed=seed)
            for _ in range(2)
        ]
        called += compare(*runs)["i_auroc"].p_value < 0.05
    assert 2 <= called <= 22


def test_compare_refuses_other_images_seeds_or_resamples(make_split):
    first = run(make_split(good=5, defect=5))
    with pytest.raises(UserError, match="different labels"):
        compare(first, run(make_split(good=6, defect=4)))
    with pytest.raises(UserError, match="differ in seed or resamples"):
        compare(first, run(make_split(good=5, defect=5), seed=1))
    with pytest.raises(UserError, match="differ in seed or resamples"):
        compare(first, run(make_split(good=5, defect=5), resamples=31))


def test_bad_input(make_split):
    split = make_split()
    with pytest.raises(UserError, match="resamples: 0"):
        run(split, resamples=0)
    with pytest.raises(UserError, match="confidence: 1.5"):
        run(split).interval("i_auroc", 1.5)
    split.maps[0][0, 0] = np.nan
    with pytest.raises(UserError, match="map 0 holds NaN"):
        run(split)
