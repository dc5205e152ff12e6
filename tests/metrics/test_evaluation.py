import tracemalloc
import warnings
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcrdf.errors import UserError
from dcrdf.metrics import UndefinedMetricWarning, aupro, aupro_name, auroc, evaluate

KINDS = ("random", "tied", "quantised", "constant", "outlier", "neighbours", "separated")


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
    seed=st.integers(0, 10_000),
)
def test_every_metric_equals_oracle(oracle, make_split, kind, dtype, seed):
    split = make_split(kind, dtype, seed, side=6)
    scores = [float(v) for one in split.maps for v in one.ravel()]
    labels = [bool(v) for one in split.masks for v in one.ravel()]
    points = oracle.pro_points(split.maps, split.masks)
    image_scores, image_labels = split.image_scores.tolist(), split.labels.tolist()
    expected = {
        "i_auroc": oracle.auroc(image_scores, image_labels),
        "i_ap": oracle.average_precision(image_scores, image_labels),
        "i_f1max": oracle.f1_max(image_scores, image_labels),
        "p_auroc": oracle.auroc(scores, labels),
        "p_ap": oracle.average_precision(scores, labels),
        "aupro_30": oracle.area(points, 0.30),
        "aupro_10": oracle.area(points, 0.10),
        "aupro_05": oracle.area(points, 0.05),
        "aupro_01": oracle.area(points, 0.01),
    }
    found = evaluate(split.maps, split.masks, split.image_scores, split.labels).values()
    assert found == pytest.approx(expected, abs=1e-9)
    assert list(found) == list(expected)


def test_half_precision_equals_its_float32_and_float64_copy():
    rng = np.random.default_rng(1)
    maps = rng.gamma(2.0, 0.1, size=(6, 50, 50)).astype(np.float16)
    masks = rng.random(maps.shape) < 0.02
    scores, labels = maps.max(axis=(1, 2)), np.arange(6) > 2
    results = [
        evaluate(maps.astype(dtype), masks, scores, labels)
        for dtype in (np.float16, np.float32, np.float64)
    ]
    assert results[0] == results[1] == results[2]


def test_counts_and_agreement_with_the_single_functions():
    rng = np.random.default_rng(2)
    maps, masks = rng.random((5, 20, 30)), np.zeros((5, 20, 30), dtype=bool)
    masks[2:, 3:6, 4:9] = True
    masks[4, 15, 15] = True
    result = evaluate(maps, masks, rng.random(5), masks.any(axis=(1, 2)), limits=(0.2, 0.005))
    assert (result.good_images, result.defect_images, result.regions) == (2, 3, 4)
    assert (result.defect_pixels, result.normal_pixels) == (46, 5 * 600 - 46)
    assert tuple(result.aupro.values()) == aupro(maps, masks, (0.2, 0.005))
    assert result.p_auroc == pytest.approx(auroc(maps, masks), abs=1e-14)
    assert list(result.values())[-2:] == ["aupro_20", "aupro_00.5"]


class MadeOnAccess(Sequence):
    """Maps of native size that exist only while they are looked at."""

    def __init__(self, small, sizes):
        self.small, self.sizes = small, sizes

    def __len__(self):
        return len(self.small)

    def __getitem__(self, index):
        height, width = self.sizes[index]
        rows = np.arange(height) * self.small.shape[1] // height
        columns = np.arange(width) * self.small.shape[2] // width
        return self.small[index][rows][:, columns]


def test_native_maps_made_on_access_need_no_room():
    rng = np.random.default_rng(4)
    small = rng.random((40, 16, 16), dtype=np.float32)
    sizes = [(500 + 10 * index, 600) for index in range(40)]
    masks = [np.zeros(size, dtype=bool) for size in sizes]
    for mask in masks[::2]:
        mask[100:130, 200:240] = True
    maps, labels = MadeOnAccess(small, sizes), np.arange(40) % 2 == 0
    tracemalloc.start()
    lazily = evaluate(maps, masks, small.max(axis=(1, 2)), labels)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 0.6 * 4 * sum(height * width for height, width in sizes)
    assert lazily == evaluate(list(maps), masks, small.max(axis=(1, 2)), labels)


def test_extra_memory_stays_small():
    rng = np.random.default_rng(5)
    maps = rng.random((120, 128, 128), dtype=np.float32)
    masks = np.zeros(maps.shape, dtype=bool)
    masks[:96, 30:41, 50:61] = True
    tracemalloc.start()
    evaluate(maps, masks, maps.max(axis=(1, 2)), masks.any(axis=(1, 2)))
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 20e6


def test_labels_are_not_read_from_masks():
    """A defect that resizing has deleted from its mask stays a defect image."""
    maps = np.zeros((3, 4, 4))
    masks = np.zeros(maps.shape, dtype=bool)
    masks[2, 1, 1] = True
    result = evaluate(maps, masks, [0.0, 1.0, 2.0], np.array([0, 1, 1], dtype=np.int8))
    assert (result.defect_images, result.regions, result.i_auroc) == (2, 1, 1.0)


def test_undefined_metrics_are_nan_and_named():
    maps, masks = np.zeros((2, 4, 4)), np.zeros((2, 4, 4), dtype=bool)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = evaluate(maps, masks, [0.1, 0.2], [0, 0])
    assert all(np.isnan(value) for value in result.values().values())
    assert {warning.category for warning in caught} == {UndefinedMetricWarning}
    text = " ".join(str(warning.message) for warning in caught)
    for metric in ("AUROC", "average precision", "F1-max", "pixel AUROC", "pixel AP", "AUPRO"):
        assert metric in text


def test_pixels_without_normals_leave_image_metrics_defined():
    maps, masks = np.zeros((2, 4, 4)), np.ones((2, 4, 4), dtype=bool)
    with pytest.warns(UndefinedMetricWarning, match="every pixel is a defect pixel"):
        result = evaluate(maps, masks, [0.1, 0.2], [0, 1])
    assert result.i_auroc == 1.0
    assert np.isnan(result.p_auroc)


@pytest.mark.parametrize(
    ("image_scores", "labels", "message"),
    [
        ([0.1], [1], "1 scores for 2 maps"),
        ([0.1, np.nan], [0, 1], "image_scores: holds NaN"),
        ([0.1, 0.2], [0], "labels: has shape"),
    ],
)
def test_bad_images(image_scores, labels, message):
    with pytest.raises(UserError, match=message):
        evaluate(np.zeros((2, 4, 4)), np.zeros((2, 4, 4), dtype=bool), image_scores, labels)


@pytest.mark.parametrize(
    ("limit", "name"),
    [(0.3, "aupro_30"), (0.1, "aupro_10"), (0.05, "aupro_05"), (0.01, "aupro_01"),
     (1.0, "aupro_100"), (0.29, "aupro_29"), (0.005, "aupro_00.5"), (0.125, "aupro_12.5")],
)  # fmt: skip
def test_names(limit, name):
    assert aupro_name(limit) == name
