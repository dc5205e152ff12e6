"""Thresholds that people set by hand, through the command."""

import json

import pytest

from dcrdf.cli import main
from dcrdf.judging.thresholds import thresholds_in_use

FITTED = {
    name: {"threshold": 0.5 + at, "map_median": 0.1, "note": f"promise of {name}"}
    for at, name in enumerate(("fused", "rgb", "depth"))
}


@pytest.fixture
def model(tmp_path):
    (tmp_path / "model").mkdir()
    described = {"format": 1, "thresholds": FITTED}
    (tmp_path / "model/detector.json").write_text(json.dumps(described))
    return tmp_path / "model"


def in_use(model):
    return {name: one["threshold"] for name, one in thresholds_in_use(model, FITTED).items()}


def test_what_is_fitted_is_shown(model, capsys):
    assert main(["threshold", str(model.parent)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split(maxsplit=3) == ["fused", "0.5", "fitted", "promise of fused"]
    assert len(lines) == 3


def test_what_is_set_decides_until_it_is_reset(model, capsys):
    before = (model / "detector.json").read_bytes()
    assert main(["threshold", str(model), "--set", "0.75", "--note", "a new \n lamp"]) == 0
    assert main(["threshold", str(model), "--set", "0.8", "--note", "brighter"]) == 0
    assert in_use(model) == {"fused": 0.8, "rgb": 1.5, "depth": 2.5}
    used = thresholds_in_use(model, FITTED)["fused"]
    assert used["fitted"] == 0.5
    assert used["map_median"] == 0.1
    assert "(fitted: 0.5, before: 0.75): brighter" in used["note"]
    capsys.readouterr()
    assert main(["threshold", str(model)]) == 0
    shown = capsys.readouterr().out
    assert "a new lamp" in shown
    assert " UTC (fitted: 0.5, before: 0.5)" in shown
    assert main(["threshold", str(model), "--reset"]) == 0
    assert in_use(model)["fused"] == 0.5
    history = json.loads((model / "threshold.json").read_text())["history"]
    assert [one["threshold"] for one in history] == [0.75, 0.8, None]
    assert [one["before"] for one in history] == [0.5, 0.75, 0.8]
    assert (model / "detector.json").read_bytes() == before
    assert {path.name for path in model.iterdir()} == {"detector.json", "threshold.json"}


def test_a_scan_without_a_modality_has_a_threshold_of_its_own(model):
    change = ["--set", "3", "--note", "why", "--without", "depth"]
    assert main(["threshold", str(model), *change]) == 0
    assert in_use(model) == {"fused": 0.5, "rgb": 3.0, "depth": 2.5}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--set", "nan", "--note", "x"], "--set: 'nan': a score is expected"),
        (["--set", "high", "--note", "x"], "--set: 'high': a score is expected"),
        (["--set", "inf", "--note", "x"], "--set: inf: a score is a number from 0 up"),
        (["--set", "1e999", "--note", "x"], "--set: inf: a score is a number from 0 up"),
        (["--set", "-1", "--note", "x"], "--set: -1.0: a score is a number from 0 up"),
        (["--set", "1"], "--note: say why"),
        (["--set", "1", "--note", " \n"], "--note: say why"),
        (["--set", "1", "--note", "x" * 2000], "--note: up to 1000 characters"),
        (["--set", "1", "--note", "\x1b[2J"], "--note: up to 1000 characters of text"),
        (["--note", "x"], "--note: give --set VALUE or --reset"),
        (["--reset"], "nothing to reset"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_and_nothing_is_written(model, arguments, named, capsys):
    assert main(["threshold", str(model), *arguments]) == 2
    error = capsys.readouterr().err
    assert named in error
    assert error.count("\n") == 1
    assert not (model / "threshold.json").exists()


def test_what_was_set_before_another_calibration_is_named(model, capsys):
    main(["threshold", str(model), "--set", "0.75", "--note", "x"])
    again = json.loads(json.dumps(FITTED))
    again["fused"]["threshold"] = 0.6
    (model / "detector.json").write_text(json.dumps({"format": 1, "thresholds": again}))
    capsys.readouterr()
    assert main(["threshold", str(model)]) == 2
    assert "the model was calibrated anew; set it again" in capsys.readouterr().err
    assert main(["threshold", str(model), "--reset"]) == 0
    assert thresholds_in_use(model, again) == again


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"format": 2, "history": []}', '{"format": 1, "history": [{"of": "other"}]}',
     ('{"format": 1, "history": [{"of": "fused", "at": "2026-01-01", "threshold": "1", "before": 1,'
     ' "fitted": 0.5, "note": ""}]}'),
     ('{"format": 1, "history": [{"of": "fused", "at": "then", "threshold": 1, "before": 1,'
     ' "fitted": 0.5, "note": ""}]}')],
)  # fmt: skip
def test_a_damaged_file_is_named(model, text, capsys):
    (model / "threshold.json").write_text(text)
    assert main(["threshold", str(model)]) == 2
    error = capsys.readouterr().err
    assert "threshold.json" in error
    assert error.count("\n") == 1


def test_a_training_that_was_not_calibrated_has_none(model, capsys):
    (model / "detector.json").write_text('{"format": 1}')
    assert main(["threshold", str(model)]) == 2
    assert "trained but not calibrated" in capsys.readouterr().err
