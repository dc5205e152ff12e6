"""A model exported, used where no torch is, and compared with the trained one."""

import csv
import json
import shutil
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

import dcrdf
from dcrdf.cli import main
from dcrdf.errors import UserError
from dcrdf.files.images import read_rgb, read_xyz
from dcrdf.preparation.store import open_prepared
from dcrdf.runtime.bundle import inputs_of
from dcrdf.tensors.prepared import scans_of_split

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("export")]
TOLERANCE = 1e-4
spec = spec_from_file_location("blocked", Path(__file__).with_name("blocked.py"))
blocked = module_from_spec(spec)
spec.loader.exec_module(blocked)


@pytest.fixture
def exported(best, tmp_path):
    """A copy that may be changed."""
    return Path(shutil.copytree(best / "exported", tmp_path / "exported"))


def scans_in(folder):
    """Colour images of defective scans: a heat map is called as its image is."""
    return sorted((folder / "scans/a/test/spot/rgb").glob("*.png"))


def test_it_judges_as_the_trained_model_does(best):
    trained, exported = dcrdf.load(best / "job/model", "cpu"), dcrdf.load(best / "exported")
    for image in scans_in(best):
        xyz = read_xyz(image.parents[1] / "xyz" / f"{image.stem}.tiff")
        for given in ((read_rgb(image), xyz), (read_rgb(image), None), (None, xyz)):
            wanted, found = trained.predict(*given), exported.predict(*given)
            assert found.score == pytest.approx(wanted.score, rel=TOLERANCE)
            assert (found.word, found.threshold) == (wanted.word, wanted.threshold)
            assert found.map == pytest.approx(wanted.map, abs=1e-3 * float(wanted.map.max()))
            assert dict(found.unusual) == pytest.approx(dict(wanted.unusual), rel=1e-3)
            assert dict(found.gauges) == pytest.approx(dict(wanted.gauges), rel=1e-3)
            assert found.not_judged == wanted.not_judged
    black = np.zeros_like(read_rgb(image))
    assert exported.predict(black, xyz).not_judged == trained.predict(black, xyz).not_judged != ""


def test_a_batch_of_any_size_gives_what_each_scan_gives_alone(best):
    exported = dcrdf.load(best / "exported")
    with open_prepared(best / "a.h5") as prepared:
        scans = scans_of_split(prepared.split("test"))
    together = exported.score_arrays(scans, at_once=4).scores["fused"]
    alone = [exported.score_arrays(scans[at : at + 1]).scores["fused"][0] for at in range(4)]
    assert together == pytest.approx(np.array(alone), rel=1e-5)
    assert exported.score_arrays(scans).scores["fused"].tolist() == alone


def test_predict_needs_no_torch(best, tmp_path):
    files = scans_in(best)
    out = tmp_path / "without"
    found = blocked.dcrdf_without(
        blocked.TRAINING, "predict", best / "exported", *files, "--out", out
    )
    assert found.returncode == 0, found.stderr
    main(["predict", str(best / "job"), *map(str, files), "--out", str(tmp_path / "with"),
          "--device", "cpu"])  # fmt: skip
    rows, wanted = (list(csv.DictReader((folder / "scores.csv").open()))
                    for folder in (out, tmp_path / "with"))  # fmt: skip
    assert len(rows) == len(files) == 2
    for row, expected in zip(rows, wanted, strict=True):
        assert float(row["score"]) == pytest.approx(float(expected["score"]), rel=TOLERANCE)
        assert {k: x for k, x in row.items() if k != "score"} == {
            k: x for k, x in expected.items() if k != "score"
        }
    assert len(list(out.glob("*_heat.png"))) == 2


def test_what_needs_torch_says_which_extra_brings_it(best, tmp_path):
    (image, *_) = scans_in(best)
    for command in (
        ("predict", best / "job", image, "--out", tmp_path / "out"),
        ("export", best / "job", "--out", tmp_path / "again"),
        ("train", "--config", best / "own.yaml", "--category", "a", "--prepared", best / "a.h5",
         "--out", tmp_path / "trained"),
    ):  # fmt: skip
        found = blocked.dcrdf_without(blocked.TRAINING, *command)
        assert found.returncode == 2
        assert found.stderr.count("\n") == 1
        assert "pip install 'dcrdf[" in found.stderr
    assert not (tmp_path / "again").exists()
    assert not (tmp_path / "trained").exists()
    found = blocked.dcrdf_without(["onnxruntime"], "predict", best / "exported", image, "--out",
                                  tmp_path / "out")  # fmt: skip
    assert "onnxruntime is not installed; pip install 'dcrdf[runtime]'" in found.stderr


def test_its_threshold_can_be_set(exported, best, tmp_path, capsys):
    (image, *_) = scans_in(best)
    assert main(["threshold", str(exported), "--set", "0", "--note", "all of them"]) == 0
    assert main(["predict", str(exported), str(image), "--out", str(tmp_path / "out")]) == 0
    assert "set by hand to 0" in capsys.readouterr().out
    (row,) = csv.DictReader((tmp_path / "out/scores.csv").open())
    assert (row["verdict"], row["threshold"], row["threshold_from"]) == ("defective", "0", "set")


def test_the_script_scores_without_dcrdf(exported, best, tmp_path):
    with open_prepared(best / "a.h5") as prepared:
        given = inputs_of(scans_of_split(prepared.split("test")))
    np.savez(tmp_path / "scans.npz", **given)
    code = f"runpy.run_path({str(exported / 'score.py')!r}, run_name='__main__')"
    missing = ("dcrdf", "cv2", "scipy", "pydantic", *blocked.TRAINING)
    found = blocked.run_without(missing, code, tmp_path / "scans.npz", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    lines = found.stdout.splitlines()
    assert lines[0] == "self-test: as exported"
    words = [line.split(": ")[1].split()[0] for line in lines[1:]]
    scores = dcrdf.load(exported).score_arrays(scans_of(best)).scores["fused"]
    limit = json.loads((exported / "export.json").read_text())["thresholds"]["fused"]["threshold"]
    assert words == ["defective" if score > limit else "good" for score in scores]
    golden = dict(np.load(exported / "golden.npz"))
    np.savez(exported / "golden.npz", **golden | {"score_fused": golden["score_fused"] * 1.01})
    found = blocked.run_without(missing, code, cwd=tmp_path)
    assert found.returncode == 1
    assert "self-test: score_fused differs" in found.stderr


def scans_of(folder):
    with open_prepared(folder / "a.h5") as prepared:
        return scans_of_split(prepared.split("test"))


def test_the_script_is_short():
    text = (Path(dcrdf.__file__).parent / "export/score_without_dcrdf.py").read_text()
    code = [line for line in text.partition('"""\n\n')[2].splitlines() if line.strip()]
    assert len(code) <= 40


@pytest.mark.parametrize("damage", ["cut", "missing", "of another"])
def test_a_damaged_graph_is_named(exported, damage):
    path = exported / "model.onnx"
    if damage == "missing":
        path.unlink()
    else:
        whole = path.read_bytes()
        path.write_bytes(whole[:-100] if damage == "cut" else whole + b"x")
    with pytest.raises(UserError, match=r"model\.onnx: missing, damaged or of another export"):
        dcrdf.load(exported)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda x: x.pop("thresholds"), "missing or damaged entry"),
        (lambda x: x["thresholds"]["rgb"].update(threshold="x"), "missing or damaged entry"),
        (lambda x: x["preparation"]["options"].update(image_size="big"), "image_size"),
        (lambda x: x.update(format=9), "not a model exported in format 1"),
        (lambda x: x.pop("graph_sha256"), "missing or damaged entry"),
    ],
)
def test_a_damaged_description_is_named(exported, change, named):
    path = exported / "export.json"
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    with pytest.raises(UserError, match=rf"export\.json: .*{named}"):
        dcrdf.load(exported)


def test_a_graph_that_scores_otherwise_is_not_written(best, tmp_path, monkeypatch, capsys):
    """The proof compares with the trained model, whatever went wrong on the way."""
    from dcrdf.runtime.exported import ExportedModel

    run = ExportedModel.run

    def worse(self, given):
        outputs = run(self, given)
        return outputs | {"score_fused": outputs["score_fused"] * np.float32(1.001)}

    monkeypatch.setattr(ExportedModel, "run", worse)
    arguments = ["--out", str(tmp_path / "exported"), "--prepared", str(best / "a.h5")]
    assert main(["export", str(best / "job"), *arguments]) == 2
    error = capsys.readouterr().err
    assert "export: scores differ by up to 0.001" in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_refusals_take_one_line_and_write_nothing(best, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    assert main(["export", str(best / "exported"), *out]) == 2
    assert "exported already" in capsys.readouterr().err
    assert main(["export", str(best / "job"), "--out", str(best / "exported")]) == 2
    assert "is already there" in capsys.readouterr().err
    assert main(["export", str(best / "job"), *out]) == 2
    assert "give --prepared FILE" in capsys.readouterr().err
    changed = Path(shutil.copytree(best / "job/model", tmp_path / "model")) / "detector.json"
    text = changed.read_text()
    changed.write_text(text.replace('"precision": "float32"', '"precision": "bfloat16"'))
    assert main(["export", str(changed.parent), *out, "--prepared", str(best / "a.h5")]) == 2
    error = capsys.readouterr().err
    assert "infer.precision: bfloat16 cannot be exported" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_exported_model_runs_on_the_cpu_alone(best):
    with pytest.raises(UserError, match="--device cuda: an exported model runs on the CPU"):
        dcrdf.load(best / "exported", "cuda")


def test_loading_an_exported_model_brings_no_torch(best):
    code = f"import dcrdf; dcrdf.load({str(best / 'exported')!r}); print('torch' in sys.modules)"
    found = blocked.run_without([], code)
    assert found.stdout.strip() == "False", found.stderr
    assert "torch" in sys.modules  # the test's own
