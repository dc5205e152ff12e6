"""The benchmark of a GPU machine at tiny size on the CPU; the summary of all benchmarks."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench import figures, scheduler, store, training, workflow
from bench.anomalies import throughput
from bench.geometry import __main__ as geometry
from bench.geometry.reduction import Result, ratio
from bench.preparation import holes
from dcrdf.networks.teacher import Teacher

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_training_and_inference(tmp_path, precision):
    out = tmp_path / "table.md"
    small = {"--size": 64, "--batch": 2, "--samples": 4, "--steps": 1, "--weights": "random"}
    arguments = [str(x) for pair in small.items() for x in pair]
    command = [sys.executable, "-m", "bench.training", *arguments, "--precision", precision]
    environment = os.environ | {figures.FOLDER_VARIABLE: str(tmp_path)}
    subprocess.run(
        [*command, "--out", str(out)], cwd=ROOT, check=True, capture_output=True, env=environment
    )
    assert set(figures.read(tmp_path)) == {
        (target.part, target.what) for target in figures.TARGETS if target.part == "training"
    }
    rows = [line.split("|")[1:-1] for line in out.read_text().splitlines() if "| " in line][1:]
    names = [row[0].strip() for row in rows if not row[0].startswith("---")]
    assert len(names) == 20
    assert [name for name in names if name.startswith("training")] == [
        "training, flow", "training, dual_rd", "training, crd", "training, paper",
    ]  # fmt: skip
    speeds = [float(row[1]) for row in rows if row[1].strip()]
    assert len(speeds) == 19
    assert min(speeds) > 0


@pytest.mark.slow
def test_compiled_scoring(monkeypatch):
    size = ["--size", "64", "--samples", "1", "--threads", "1", "--compiled"]
    monkeypatch.setattr(sys, "argv", ["bench", *size])
    row = training.inference(training.arguments(), "dual_rd", Teacher("efficientnet_lite0"), 1)
    assert row[0] == "inference, dual_rd, batch 1"
    assert float(row[1]) > 0.0
    assert row[2] == ""


def rows_of(page):
    cells = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    return {(row[0], row[1]): row[2:] for row in (list(map(str.strip, one)) for one in cells[2:])}


def test_summary_shows_every_figure_measured_or_not(tmp_path, monkeypatch):
    monkeypatch.setenv(figures.FOLDER_VARIABLE, str(tmp_path))
    figures.keep("metrics", {"all metrics, extra memory": 160.0})
    rate, frame = "800 x 800 scans, files to HDF5", "literal masks, part fills the frame"
    figures.keep("preparation", {rate: 30.0})
    page = figures.summary(figures.read(tmp_path))
    rows = rows_of(page)
    assert list(rows) == [(target.part, target.what) for target in figures.TARGETS]
    assert rows["metrics", "all metrics, extra memory"] == ["160 MB", "≤ 80 MB", "0.50", "**no**"]
    assert rows["preparation", rate][2:] == ["1.50", "yes"]
    assert rows["anomalies", frame][0] == figures.NOT_MEASURED
    assert sum(figures.NOT_MEASURED in row for row in rows.values()) == len(rows) - 2
    assert "numpy" in page


def test_a_misnamed_figure_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(figures.FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(ValueError, match="extra mmory"):
        figures.keep("metrics", {"all metrics, extra mmory": 1.0})
    assert not list(tmp_path.iterdir())


def test_a_part_that_fails_leaves_its_rows_not_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench, "PARTS", ("no_such_part",))
    monkeypatch.setattr(bench, "OUTPUT", tmp_path / "summary.md")
    assert bench.main() == 1
    rows = rows_of((tmp_path / "summary.md").read_text())
    assert {row[0] for row in rows.values()} == {figures.NOT_MEASURED}
    assert "no_such_part: failed" in capsys.readouterr().out


def test_without_a_demo_only_its_figures_are_missing():
    names = (workflow.AGGREGATE, workflow.FINISHED, workflow.PLAN_LARGE, "dcrdf --help")
    times = dict.fromkeys(names, workflow.Seconds(2.0, 1.0))
    everything = workflow.figures(times)
    kept = workflow.figures(times | dict.fromkeys(names[:2]))
    asked = {target.what for target in figures.TARGETS if target.part == "workflow"}
    assert asked == {*everything, workflow.BESIDE_LONG_JOB}
    assert str(workflow.GRID_JOBS) in workflow.BESIDE_LONG_JOB
    assert kept == {workflow.PLAN_LARGE: 2.0, "dcrdf --help": 2.0}
    assert everything["dcrdf aggregate, 6 jobs, CPU"] == 1.0


@pytest.mark.slow
def test_the_share_of_snakemakes_process_is_measured():
    """A small grid: Snakemake ends well, with the cure and without."""
    assert 0.0 <= scheduler.share_of_a_core(cured=True, jobs=3, watched_s=1.0) < 100.0
    assert 0.0 <= scheduler.share_of_a_core(cured=False, jobs=3, watched_s=1.0) < 100.0


def test_the_layout_in_use_is_compared():
    rows = [
        (kind, str(chunk), name, "50" if name == store.CHOSEN else "100", str(160 // chunk), "1")
        for kind in ("prepared", "variants")
        for chunk in (1, 4, 16)
        for name in store.COMPRESSIONS
    ]
    found = store.figures(rows)
    assert {target.what for target in figures.TARGETS if target.part == "store"} == {*found}
    assert found["prepared, random reads against chunks of 16"] == 16.0
    assert found["variants, size against no compression"] == 0.5


@pytest.mark.parametrize("part", bench.PARTS)
def test_every_part_runs_by_its_name_and_writes_beside_the_others(part, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # parts set it where it is not; undone afterwards
    spec = importlib.util.find_spec(f"bench.{part}")
    name = f"{spec.name}.__main__" if spec.submodule_search_locations else spec.name
    module = importlib.import_module(name)
    assert callable(module.main)
    assert ROOT / "bench" / f"{part}.md" == module.OUTPUT
    assert module.OUTPUT.exists()
    # What `python -m` then does; to start a part is to measure for minutes.
    assert 'if __name__ == "__main__":\n    ' in Path(module.__file__).read_text()


def test_figures_of_tables_are_those_asked_for():
    """What parts keep of their tables has the names of `TARGETS`, and compares the right rows."""
    rows = [("a", "0.4", "500", "300"), ("b", "0.3", "600", "700"), ("whole", "1.0", "450", "200")]
    found = throughput.throughput_figures(rows)
    assert {target.what for target in figures.TARGETS if target.part == "anomalies"} == {*found}
    assert list(found.values()) == [450.0, 300.0, 200.0]
    rmse = {"push_pull": "0.1"}
    rows = [(method, size, rmse.get(method, "0.3"), "", "") for size in ("256", "800")
            for method in holes.METHODS]  # fmt: skip
    found = holes.hole_figures(rows)
    asked = {target.what for target in figures.TARGETS if target.part == "preparation"}
    assert found.keys() == asked - {"800 x 800 scans, files to HDF5"}
    assert [*found.values()] == pytest.approx([3.0, 3.0])


def test_errors_of_ways_are_compared_cloud_by_cloud():
    ways = ("adaptive", "fixed", "adaptive + edges", "fixed + edges")
    errors = {"a": (4.0, 8.0), "b": (1.0, 1.0)}
    results = [
        Result(cloud, way, 1000, 70, 1.0, *(error / (1 + ways.index(way)) for error in both))
        for cloud, both in errors.items()
        for way in ways
    ]
    assert ratio(results, "adaptive", "fixed", at_edges=False) == pytest.approx(2.0)
    assert results[0].fewer_percent == pytest.approx(93.0)
    found = geometry.figures(results, [("100", "1", "2", "3", "4")])
    assert {target.what for target in figures.TARGETS if target.part == "geometry"} == {*found}
    assert found["kept edges to none, error at edges"] == pytest.approx(0.5)
    assert found["FPFH at full size, 224 px, all inside"] == 4.0
