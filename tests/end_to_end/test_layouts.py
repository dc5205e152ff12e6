"""Every layout from raw files to metrics."""

import json
import re

import pytest
import yaml

from dcrdf.cli import main
from dcrdf.config.layouts import LAYOUTS, READERS

pytestmark = pytest.mark.end_to_end
KINDS = {"eyecandies": {"dents", "combined", "bad"}}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_goes_through_every_step(tmp_path, make_layout, minimal, layout, capsys):
    root = tmp_path / "raw"
    unit_m = 1e-3 if layout in ("adam3d", "pdreal") else 1.0
    categories = make_layout(root, layout, unit_m=unit_m)
    category = categories[0]
    assert main(["check", str(root), "--layout", layout]) == 1  # few samples, nothing worse
    findings = capsys.readouterr().out
    assert "error" not in findings
    distances = re.findall(r"ok +distance +median ([\d.]+) m", findings)
    assert [float(one) for one in distances] == pytest.approx([0.3] * len(categories), abs=0.02)
    minimal |= {
        "dataset": {"name": "tiny", "layout": layout, "root": str(root), "categories": [category]},
        "prepare": {"image_size": 64},
        "runs": {"net": {"detector": "memory_bank", "preset": "default"}},
        "infer": {"cpu_threads": 1},
        "robustness": {"degradations": ["rgb_blurred"]},
        "evaluate": {"sizes": ["network"], "limits": [0.3]},
    }
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(minimal))
    files = {name: tmp_path / name for name in ("a.h5", "trained", "job")}
    for command, *arguments in (
        ("prepare", "--root", root, "--out", files["a.h5"]),
        ("train", "--prepared", files["a.h5"], "--out", files["trained"]),
        ("infer", "--model", files["trained"], "--prepared", files["a.h5"], "--out", files["job"]),
        ("evaluate", "--maps", files["job"] / "maps.h5", "--prepared", files["a.h5"],
         "--dataset", "tiny", "--run-name", "net", "--out", files["job"] / "metrics.json"),
    ):  # fmt: skip
        common = ["--config", tmp_path / "own.yaml", "--category", category]
        assert main([str(x) for x in (command, *common, *arguments)]) == 0, command
    said = {1.0: "xyz in m", 1e-3: "xyz in mm"}[unit_m] if layout != "eyecandies" else "depth in"
    assert said in findings
    printed = capsys.readouterr().out
    assert (f"points: {said}" in printed) == (layout in ("adam3d", "pdreal"))
    metrics = json.loads((files["job"] / "metrics.json").read_text())
    kinds = KINDS.get(layout, {"combine-S", "dent"})
    assert {one["defect"] for one in metrics["values"]} == kinds | {"all"}
    (fused,) = (
        one["value"]
        for one in metrics["values"]
        if (one["branch"], one["metric"], one["defect"]) == ("fused", "i_auroc", "all")
    )
    assert fused >= 0.5
    if layout not in READERS:
        return
    out = files["job"] / "robustness.json"
    settings = ["--config", tmp_path / "own.yaml", "--category", category]
    if layout == "adam3d":
        settings = ["--layout", layout, "--degradation", "rgb_blurred"]
    robustness = ["robustness", files["job"], "--root", root, "--out", out, *settings]
    assert main([str(x) for x in robustness]) == 0
    written = json.loads(out.read_text())
    assert written["stage"]["options"]["reader"] == READERS[layout]().model_dump(mode="json")
    (intact,) = (
        one["value"]
        for one in written["values"]
        if (one["branch"], one["metric"], one["degradation"]) == ("fused", "i_auroc", "intact")
    )
    assert intact == fused
