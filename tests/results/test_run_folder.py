"""Reading a run back: its metrics and the settings behind them."""

import pytest

from dcrdf.errors import UserError
from dcrdf.results.run_folder import read_run


@pytest.fixture
def run(metrics_file, description_file, tmp_path):
    """Writes a run of two categories, one of them with two seeds; returns its folder."""
    for category, seed in (("nut", 0), ("nut", 1), ("bolt", 0)):
        description_file(metrics_file("full", category, seed))
    return tmp_path / "full"


def test_settings_are_per_category_and_seeds_are_one(run):
    found = read_run(run)
    assert sorted(found.settings) == ["bolt", "nut"]
    assert found.settings["nut"]["seeds"] == [0, 1]
    assert found.settings["nut"]["detector"] == {"name": "memory_bank", "bank_max": 10}
    assert found.settings["nut"]["pseudo"] == {"variants": 2}
    assert [(one.category, one.seed) for one in found.metrics] == [
        ("bolt", 0), ("nut", 0), ("nut", 1),
    ]  # fmt: skip


def test_a_job_without_pseudo_anomalies_has_none(metrics_file, description_file, tmp_path):
    description_file(metrics_file("plain"), pseudo=None)
    assert "pseudo" not in read_run(tmp_path / "plain").settings["nut"]


def test_seeds_of_different_settings_are_refused(run, metrics_file, description_file):
    description_file(metrics_file("full", "nut", 1), options={"bank_max": 11})
    with pytest.raises(UserError, match="seed1/metrics.json: made with other settings"):
        read_run(run)


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(UserError, match="give results/DATASET/RUN"):
        read_run(tmp_path / "absent")


def test_a_missing_or_damaged_model_is_named(run):
    path = run / "nut" / "seed0" / "model" / "detector.json"
    path.write_text('{"stage": {"options": 3}, "infer": 2, "preparation": []}')
    with pytest.raises(UserError, match="nut/seed0/model/detector.json: not what `dcrdf infer`"):
        read_run(run)
    path.unlink()
    with pytest.raises(UserError, match="nut/seed0/model/detector.json: cannot read"):
        read_run(run)
