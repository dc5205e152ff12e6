"""Resampled metrics are those of the drawn images, and runs share their draws."""

import h5py
import numpy as np
import pytest

from dcrdf.config.options import CompareOptions
from dcrdf.errors import UserError
from dcrdf.files.digests import seed_of
from dcrdf.files.hdf5 import write_attributes
from dcrdf.metrics import evaluate
from dcrdf.metrics.bootstrap import resample_weights
from dcrdf.results.job import Images
from dcrdf.results.resamples import _draw, read_resamples

OPTIONS = CompareOptions(references=("x",), resamples=100, limits=(0.3, 0.05))
COUNT = 14


@pytest.fixture
def images():
    generator = np.random.default_rng(0)
    masks = np.zeros((COUNT, 12, 12), bool)
    masks[6:, 3:7, 4:9] = True
    maps = generator.random(masks.shape) + 0.02 * masks
    return Images(maps, masks, maps.max(axis=(1, 2)), np.arange(COUNT) >= 6)


def evaluated(images, rows):
    maps, masks, scores, labels = (np.asarray(part)[rows] for part in images)
    return evaluate(list(maps), list(masks), scores, labels, OPTIONS.limits).values()


def test_a_draw_is_evaluated_as_if_its_images_were_the_test_set(images):
    estimates, drawn = _draw(images, np.ones(COUNT, bool), OPTIONS, "nut")
    assert estimates == pytest.approx(evaluated(images, np.arange(COUNT)))
    weights = resample_weights(images.labels, OPTIONS.resamples, seed_of("resample", "nut"))
    for draw in (0, 1, 57, 99):
        rows = np.repeat(np.arange(COUNT), weights[draw].astype(int))
        expected = evaluated(images, rows)
        assert {name: values[draw] for name, values in drawn.items()} == pytest.approx(expected)


def test_categories_are_drawn_apart(images):
    known = np.ones(COUNT, bool)
    _, first = _draw(images, known, OPTIONS, "nut")
    _, again = _draw(images, known, OPTIONS, "nut")
    _, other = _draw(images, known, OPTIONS, "bolt")
    assert np.array_equal(first["i_auroc"], again["i_auroc"])
    assert abs(np.corrcoef(first["p_auroc"], other["p_auroc"])[0, 1]) < 0.4


def test_images_without_a_mask_count_as_images_only(images):
    known = np.ones(COUNT, bool)
    known[[6, 9]] = False
    estimates, drawn = _draw(images, known, OPTIONS, "nut")
    whole, part = evaluated(images, np.arange(COUNT)), evaluated(images, np.flatnonzero(known))
    assert estimates["i_auroc"] == pytest.approx(whole["i_auroc"])
    assert estimates["aupro_05"] == pytest.approx(part["aupro_05"])
    assert part["aupro_05"] != whole["aupro_05"]
    assert {values.shape for values in drawn.values()} == {(100,)}


def test_damaged_and_absent_files_are_named(tmp_path):
    path = tmp_path / "resamples.h5"
    with pytest.raises(UserError, match=r"resamples\.h5: no such file; run `dcrdf resample`"):
        read_resamples(path, "abcd1234")
    path.write_bytes(b"no HDF5")
    with pytest.raises(UserError, match=r"resamples\.h5: damaged"):
        read_resamples(path, "abcd1234")
    with h5py.File(path, "w") as file:
        write_attributes(file, {"stage": "{}", "images": "x"})
    with pytest.raises(UserError, match=r"resamples\.h5: was made with other settings"):
        read_resamples(path, "abcd1234")
