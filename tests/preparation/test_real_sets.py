"""The sets beside the project, a part of each (they are skipped where they are absent)."""

from pathlib import Path

import numpy as np
import pytest

from dcrdf.config.options import PrepareOptions
from dcrdf.config.prepare_presets import PREPARE_PRESETS
from dcrdf.datasets.layouts import list_samples
from dcrdf.errors import UserError
from dcrdf.preparation.prepare import prepare_category
from dcrdf.preparation.store import open_prepared

OPTIONS = PrepareOptions(image_size=128)


def prepared_part(
    shared_data: Path, folder: str, out: Path, every: int, options: PrepareOptions = OPTIONS
):
    """Prepare every n-th sample of a set."""
    root, category = (shared_data / folder).parent, Path(folder).name
    if not (root / category).is_dir():
        pytest.skip(f"no {folder} beside the project")
    samples = list_samples(root, "mvtec3d", category)[::every]
    return prepare_category(samples, options, out, "{}", 1)


def test_potholes_differ_from_the_road(shared_data, tmp_path):
    summary = prepared_part(shared_data, "sensor/road1", tmp_path / "road1.h5", 2)
    assert summary.mode == "field"
    with open_prepared(tmp_path / "road1.h5") as prepared:
        test, train = prepared.split("test"), prepared.split("train")
        holes = np.median(test.depth[test.gt])
        road = test.depth[~test.gt]
        assert holes < np.quantile(train.depth, 0.01)
        assert holes < np.quantile(road, 0.05)
        assert test.foreground[test.gt].mean() > 0.95
        assert 0.2 < np.median(road) < 0.8


def test_objects_stand_out_of_the_table(shared_data, tmp_path):
    summary = prepared_part(shared_data, "sensor/table", tmp_path / "table.h5", 2)
    assert summary.mode == "field"
    with open_prepared(tmp_path / "table.h5") as prepared:
        test = prepared.split("test")
        assert np.median(test.depth[test.gt]) == 2.0
        assert abs(np.median(test.depth[~test.gt]) - np.median(prepared.split("train").depth)) < 0.1
        assert test.foreground[test.gt].all()


def test_biscuits_are_parts(shared_data, tmp_path):
    summary = prepared_part(shared_data, "rendered/biscuit", tmp_path / "biscuit.h5", 5)
    assert summary.mode == "part"
    assert summary.warnings == []
    assert summary.foreground_share == pytest.approx(0.42, abs=0.03)
    with open_prepared(tmp_path / "biscuit.h5") as prepared:
        train = prepared.split("train")
        assert np.median(train.depth[~train.foreground]) < np.quantile(
            train.depth[train.foreground & train.valid], 0.01
        )


@pytest.mark.parametrize("name", [name for name in PREPARE_PRESETS if name != "house"])
def test_other_preparations_prepare_a_real_set_or_refuse_it(shared_data, tmp_path, name):
    values = (
        PREPARE_PRESETS[name] if name == "crd" else {**PREPARE_PRESETS[name], "image_size": 128}
    )
    options = PrepareOptions.parse(dict(values), "prepare")
    biscuit = prepared_part(shared_data, "rendered/biscuit", tmp_path / "b.h5", 9, options)
    expected = {"crd": 0.39, "crd_normals": 0.39, "ast": 0.29, "m3dm": 0.38, "cfm": 0.38}
    assert biscuit.foreground_share == pytest.approx(expected[name], abs=0.03)
    assert not biscuit.empty_parts
    prepared_part(shared_data, "sensor/road1", tmp_path / "r.h5", 9, options)
    with open_prepared(tmp_path / "r.h5") as prepared:
        test = prepared.split("test")
        assert np.isfinite(test.depth).all()
        # The road fills the frame; what is left of it is no part.
        assert np.median(test.foreground_share) < 0.85
    with pytest.raises(UserError, match="finds no part in .*% of the training scans"):
        prepared_part(shared_data, "sensor/table", tmp_path / "t.h5", 5, options)
