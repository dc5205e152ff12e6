"""A modality withheld from the test split, and what stands in for it, through the workflow."""

import json
import os
import subprocess
import sys

import h5py
import pytest

pytestmark = pytest.mark.end_to_end
OPTIONS = {
    "select": "kmeans",
    "bank_size": 64,
    "sampled_max": 500,
    "transfer_steps": 20,
    "transfer_hidden": 8,
}
PREDICT = """
import sys
from pathlib import Path
import dcrdf
from dcrdf.files.images import read_rgb, read_xyz
model, rgb, xyz = map(Path, sys.argv[1:])
model = dcrdf.load(model)
both, alone = model.predict(read_rgb(rgb), read_xyz(xyz)), model.predict(read_rgb(rgb), None)
print(both.score, both.threshold, alone.score, alone.threshold)
"""
REPLACE = """
import sys
from pathlib import Path
import numpy as np
import dcrdf
from dcrdf.files.images import read_rgb, read_xyz
model, rgb, xyz = map(Path, sys.argv[1:])
model, points = dcrdf.load(model), read_xyz(xyz)
black = model.predict(np.zeros_like(read_rgb(rgb)), points)
alone = model.predict(None, points)
print(black.word)
print(alone.word)
print(black.remark)
print(black.score > black.threshold, alone.score > alone.threshold)
"""


def test_a_withheld_modality_is_scored_as_predict_scores_an_absent_one(workflow):
    workflow.config["dataset"]["categories"] = ["a"]
    run = {"detector": "resilient", "preset": "default", "options": OPTIONS}
    workflow.config["runs"] = {
        "both": {**run, "infer": {"stand_ins": "always"}},
        "rgb": {**run, "infer": {"stand_ins": "always", "modalities": "rgb"}},
        "plain": {**run, "infer": {"modalities": "rgb"}},
        "replaced": {**run, "infer": {"replace_unusual": True}},
    }
    workflow.run()
    jobs = {name: workflow.results / name / "a" / "seed0" for name in workflow.config["runs"]}
    thresholds = {
        name: json.loads((job / "model" / "detector.json").read_text())["thresholds"]
        for name, job in jobs.items()
    }
    assert set(thresholds["rgb"]) == {"fused", "rgb", "depth", "without_rgb", "without_depth"}
    assert thresholds["rgb"] == thresholds["both"]
    assert set(thresholds["plain"]) == {"fused", "rgb", "depth"}
    used = {"both": "fused", "rgb": "without_depth", "plain": "rgb"}
    scores = {}
    replaced = jobs.pop("replaced")
    for name, job in jobs.items():
        with h5py.File(job / "maps.h5") as file:
            given = json.loads(file.attrs["threshold"])
            names = list(zip(file["test/defect"][:], file["test/name"][:], strict=True))
            scores[name] = float(file["test/score_fused"][names.index((b"spot", b"000"))])
            branches = {x for x in file["test"] if x in ("fused", "rgb", "depth")}
        assert given == thresholds[name][used[name]]
        assert branches == ({"fused", "rgb", "depth"} if name == "both" else {"fused", "rgb"})
    scan = workflow.folder / "scans" / "a" / "test" / "spot"
    done = subprocess.run(
        [sys.executable, "-c", PREDICT, str(jobs["both"] / "model"),
         str(scan / "rgb" / "000.png"), str(scan / "xyz" / "000.tiff")],
        cwd=workflow.folder, env={**os.environ, **workflow.environment}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    both, both_threshold, alone, alone_threshold = map(float, done.stdout.split())
    assert both == pytest.approx(scores["both"], rel=1e-4)
    assert alone == pytest.approx(scores["rgb"], rel=1e-4)
    assert scores["plain"] != scores["rgb"]
    assert both_threshold == thresholds["both"]["fused"]["threshold"]
    assert alone_threshold == thresholds["both"]["without_depth"]["threshold"]
    good = workflow.folder / "scans" / "a" / "validation" / "good"
    done = subprocess.run(
        [sys.executable, "-c", REPLACE, str(replaced / "model"),
         str(good / "rgb" / "000.png"), str(good / "xyz" / "000.tiff")],
        cwd=workflow.folder, env={**os.environ, **workflow.environment}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    black, alone, remark, sides = done.stdout.splitlines()
    assert remark.startswith("judged without colour: its colour image is too dark")
    assert "defects that only colour shows are missed" in remark
    assert (black, len(set(sides.split()))) == (alone, 1)
