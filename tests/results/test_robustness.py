"""Tables of degraded scans from hand-made files."""

import json
import math

import numpy as np
import pytest

from dcrdf.config.stages import Stage
from dcrdf.errors import UserError
from dcrdf.metrics import auroc
from dcrdf.results.robustness import (
    collect_robustness,
    degraded_values,
    read_robustness,
    write_robustness,
)
from dcrdf.results.robustness_tables import HEAD, robustness_tables, write_robustness_tables

STAGE = Stage("robustness", {"degradations": ["depth_absent"]}, {"infer": "abcd1234"})


def values(degradation, **branches):
    """The same value for each metric of a branch."""
    return [
        {"degradation": degradation, "branch": branch, "metric": metric, "value": value}
        for branch, value in branches.items()
        for metric in (
            "i_auroc", "aupro_30", "aupro_05", "p_auroc", "flagged_good", "flagged_defective",
        )
    ]  # fmt: skip


def gate(degradation, value):
    return {
        "degradation": degradation, "branch": "fused", "metric": "gate_weight", "value": value
    }  # fmt: skip


@pytest.fixture
def write(tmp_path):
    def write(numbers, run="net", category="nut", seed=0):
        path = tmp_path / run / category / f"seed{seed}" / "robustness.json"
        identity = {"dataset": "demo", "run": run, "category": category, "seed": seed}
        write_robustness(path, STAGE, identity | {"fusion": "avg"}, numbers)
        return path

    return write


def collected(*paths):
    return collect_robustness(dict.fromkeys(paths, STAGE.digest))


def test_one_table_for_the_mean_and_one_per_category(write):
    nut = [*values("intact", fused=0.9, rgb=0.8, depth=0.7), gate("intact", 0.25)]
    nut += values("depth_absent", fused=0.8, rgb=0.8)
    bolt = [*values("intact", fused=0.5, rgb=0.6, depth=0.7), gate("intact", 0.75)]
    bolt += values("depth_absent", fused=0.6, rgb=0.6)
    rows = collected(write(nut), write(bolt, category="bolt"))
    mean, first, second = robustness_tables(rows, ["net"], ["nut", "bolt"])
    assert mean.title == "net (avg), mean of 2 categories, seed 0"
    assert mean.rows == [
        ["intact", *["70.0 / 70.0 / 70.0"] * 6, "0.50", "4 of 8"],
        ["depth_absent", *["70.0 / 70.0 / -"] * 6, "-", "0 of 0"],
    ]
    assert (first.category, second.category) == ("nut", "bolt")
    assert first.rows[0] == ["intact", *["90.0 / 80.0 / 70.0"] * 6, "0.25", "0 of 4"]


def test_flagged_parts_have_a_column_each_and_are_no_metric(write):
    numbers = values("intact", fused=0.9, rgb=0.8, depth=0.7)
    for value in numbers:
        if value["metric"].startswith("flagged"):  # fewer than in either branch: no fault
            value["value"] = {"flagged_good": 0.05, "flagged_defective": 0.45}[value["metric"]]
            value["value"] += 0.1 * (value["branch"] != "fused")
    (table,) = robustness_tables(collected(write(numbers)))
    shown = dict(zip(HEAD, table.rows[0], strict=True))
    assert shown["good flagged"] == "5.0 / 15.0 / 15.0"
    assert shown["defective flagged"] == "45.0 / 55.0 / 55.0"
    assert shown["below both"] == "0 of 4"


def test_an_undefined_value_leaves_no_mean(write):
    bad = values("intact", fused=None, rgb=0.6, depth=0.6)
    rows = collected(
        write(values("intact", fused=0.9, rgb=0.8, depth=0.7)), write(bad, category="b")
    )
    mean = robustness_tables(rows)[0]
    assert mean.rows == [["intact", *["- / 70.0 / 65.0"] * 6, "-", "0 of 4"]]


def test_files_of_other_settings_and_damaged_ones_are_named(write):
    path = write(values("intact", fused=0.5))
    with pytest.raises(UserError, match=r"robustness\.json: was made with other settings"):
        collect_robustness({path: "00000000"})
    contents = json.loads(path.read_text())
    contents["values"][0]["value"] = 1.5
    path.write_text(json.dumps(contents))
    with pytest.raises(UserError, match=r"values\.0\.value"):
        read_robustness(path)
    with pytest.raises(UserError, match="run `dcrdf robustness` first"):
        read_robustness(path.with_name("none.json"))


def test_written_tables_hold_every_number(write, tmp_path):
    rows = collected(write(values("intact", fused=0.9, rgb=0.8, depth=0.7)))
    write_robustness_tables(rows, robustness_tables(rows), tmp_path / "tables")
    csv = (tmp_path / "tables" / "robustness.csv").read_text()
    assert csv.count("\n") == 1 + 18
    markdown = (tmp_path / "tables" / "robustness.md").read_text()
    assert "## net (avg), nut, seed 0" in markdown
    assert "| intact | 90.0 / 80.0 / 70.0 |" in markdown


def test_metrics_are_those_of_the_maps_and_pixels_need_a_mask():
    generator = np.random.default_rng(0)
    maps = [generator.random((8, 8)).astype(np.float16) for _ in range(6)]
    masks = [np.zeros((8, 8), bool) for _ in range(6)]
    for mask in masks[3:5]:
        mask[2:4, 2:4] = True
    labels = np.arange(6) >= 3
    scores = generator.random(6)
    found = degraded_values(
        "rgb_absent", scores={"fused": scores}, thresholds={"fused": 0.5}, maps={"fused": maps},
        masks=masks, labels=labels, mask_known=np.arange(6) < 5, gate_weight=None,
    )  # fmt: skip
    by_metric = {value["metric"]: value["value"] for value in found}
    assert by_metric["i_auroc"] == pytest.approx(auroc(scores, labels))
    pixels = [np.concatenate([one.ravel() for one in images[:5]]) for images in (maps, masks)]
    assert by_metric["p_auroc"] == pytest.approx(auroc(pixels[0].astype(float), pixels[1]))
    assert by_metric["flagged_good"] == np.mean(scores[:3] > 0.5)
    assert by_metric["flagged_defective"] == np.mean(scores[3:] > 0.5)
    assert {value["branch"] for value in found} == {"fused"}
    assert all(math.isfinite(value) for value in by_metric.values())
