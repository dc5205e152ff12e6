"""`dcrdf diff` on runs made by hand."""

import json

import pytest

from dcrdf.cli import main
from dcrdf.config.stages import digest_of_record
from dcrdf.files.hdf5 import new_hdf5, write_attributes


def write_job(folder, epochs, auroc, blur_px=4.0):
    """One job's metrics and model description."""
    (folder / "model").mkdir(parents=True)
    category, run = folder.parent.name, folder.parent.parent.name
    value = {"branch": "fused", "metric": "i_auroc", "size": "image", "mode": "exact",
             "defect": "all", "value": auroc}  # fmt: skip
    infer = {"stage": "infer", "version": 1, "options": {"blur_sigma_px": blur_px}}
    upstream = {"infer": digest_of_record(infer)}
    metrics = {
        "stage": {"stage": "evaluate", "version": 1, "options": {}, "upstream": upstream},
        "dataset": "tiny", "run": run, "category": category, "seed": 0,
        "maps_sha256": "0" * 64, "counts": {"good": 1, "defect": 1}, "values": [value],
    }  # fmt: skip
    train = {"teacher": {"name": "resnet18"}, "train": {"epochs": epochs}}
    description = {
        "detector": "dcrdf_net",
        "options": {},
        "preparation": {"options": {"image_size": 64}, "input_digest": "abc"},
        "pseudo": None,
        "stage": {"stage": "train", "version": 1, "options": train, "upstream": {}},
        "infer": infer,
    }
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "model" / "detector.json").write_text(json.dumps(description))


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Runs `x` and `y` of the categories nut and bolt; y has one more."""
    monkeypatch.chdir(tmp_path)
    write_job(tmp_path / "x/nut/seed0", 150, 0.9)
    write_job(tmp_path / "x/bolt/seed0", 150, 0.8)
    write_job(tmp_path / "y/nut/seed0", 60, 0.95)
    write_job(tmp_path / "y/bolt/seed0", 60, None, blur_px=2.0)
    write_job(tmp_path / "y/pin/seed0", 60, 0.5)


def test_settings_and_metrics_are_told(runs, capsys):
    assert main(["diff", "x", "y/"]) == 0
    assert (
        capsys.readouterr().out
        == """\
A: x
B: y
only in B, not compared: pin

setting                     A    B
infer.blur_sigma_px (bolt)  4.0  2.0
train.epochs                150  60

Image AUROC, fused map, one score per image, %
category     A     B  B - A
bolt      80.0     -      -
nut       90.0  95.0   +5.0
mean      90.0  95.0   +5.0
mean of the 1 of 2 categories that both define
"""
    )


def test_a_run_does_not_differ_from_itself(runs, capsys):
    assert main(["diff", "x", "x"]) == 0
    out = capsys.readouterr().out
    assert "no setting differs" in out
    assert "+0.0" in out


@pytest.mark.parametrize(
    ("other", "said"),
    [("absent", "absent: no CATEGORY/seedN/metrics.json below"), ("z", "no category in common")],
)
def test_what_cannot_be_compared_is_one_line(runs, tmp_path, capsys, other, said):
    write_job(tmp_path / "z/cap/seed0", 1, 0.5)
    assert main(["diff", "x", other]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_metrics_beside_another_model_or_other_maps_are_refused(runs, tmp_path, capsys):
    """What is told as a difference of settings must be what the numbers were made with."""
    path = tmp_path / "y/nut/seed0/model/detector.json"
    kept = path.read_text()
    path.write_text(kept.replace("4.0", "3.0"))
    assert main(["diff", "x", "y"]) == 2
    error = capsys.readouterr().err
    assert "nut/seed0/metrics.json: not made from the model/detector.json beside it" in error
    path.write_text(kept)
    infer = json.loads(kept)["infer"]
    for version, code in ((2, 2), (1, 0)):
        with new_hdf5(tmp_path / "y/nut/seed0/maps.h5") as file:
            write_attributes(file, {"stage": infer | {"version": version}})
        assert main(["diff", "x", "y"]) == code
    assert "not made from the maps.h5 beside it" in capsys.readouterr().err
