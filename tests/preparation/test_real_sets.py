"""The sets beside the project, a part of each (they are skipped where they are absent)."""

from pathlib import Path

import numpy as np
import pytest

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.layouts import list_samples
from dcrdf.preparation.prepare import prepare_category
from dcrdf.preparation.store import open_prepared

OPTIONS = PrepareOptions(image_size=128)


def prepared_part(shared_data: Path, folder: str, out: Path, every: int):
    """Prepare every n-th sample of a set."""
    root, category = (shared_data / folder).parent, Path(folder).name
    if not (root / category).is_dir():
        pytest.skip(f"no {folder} beside the project")
    samples = list_samples(root, "mvtec3d", category)[::every]
    return prepare_category(samples, OPTIONS, out, "{}", 1)


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
