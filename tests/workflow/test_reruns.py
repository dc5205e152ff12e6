"""What a change reruns, on the real workflow with tiny scans and the memory bank."""

import os
import shutil
import time

import pytest

pytestmark = pytest.mark.end_to_end
TAIL = {"aggregate": 1, "report": 1}


def test_a_finished_workflow_says_so(finished):
    assert finished.planned() == {}


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        (
            "prepare.normalise_min_span_mm",
            7.0,
            {"prepare": 1, "train": 1, "infer": 1, "evaluate": 1},
        ),
        ("train.batch_size", 3, {"train": 1, "infer": 1, "evaluate": 1}),
        ("infer.blur_sigma_px", 2.0, {"infer": 1, "evaluate": 1}),
        ("evaluate.limits", [0.3, 0.1], {"evaluate": 1}),
        ("train.epochs", 7, {}),  # a memory bank has no epochs
    ],
)
def test_one_categorys_option(finished, set_key, key, value, expected):
    set_key(finished.config, f"overrides.a.{key}", value)
    assert finished.planned() == (expected | TAIL if expected else {})


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("evaluate.limits", [0.3, 0.1], {"evaluate": 2}),
        (
            "prepare.normalise_min_span_mm",
            7.0,
            {"prepare": 2, "train": 2, "infer": 2, "evaluate": 2},
        ),
        ("seeds", [0, 1], {"train": 2, "infer": 2, "evaluate": 2}),
        ("dataset.categories", ["a"], {}),
    ],
)
def test_global_options(finished, set_key, key, value, expected):
    assert finished.planned() == {}
    set_key(finished.config, key, value)
    assert finished.planned() == expected | TAIL


def test_a_run_with_another_fusion_shares_the_training(finished):
    finished.config["runs"]["max"] = {**finished.config["runs"]["bank"], "infer": {"fusion": "max"}}
    assert finished.planned() == {"infer": 2, "evaluate": 2} | TAIL


def test_touching_and_changing_a_scan(finished):
    path = finished.folder / "scans" / "a" / "train" / "good" / "rgb" / "000.png"
    later = time.time() + 100
    os.utime(path, (later, later))
    assert finished.planned() == {}
    other = path.with_name("001.png").read_bytes()
    path.write_bytes(other)
    os.utime(path, (later, later))
    assert finished.planned() == {"prepare": 1, "train": 1, "infer": 1, "evaluate": 1} | TAIL


def test_comments_order_and_spelling_rerun_nothing(finished):
    text = (finished.folder / "own.yaml").read_text()
    finished.config = dict(reversed(finished.config.items()))
    assert finished.planned() == {}
    (finished.folder / "own.yaml").write_text("# a comment\n" + text)
    result = finished.snakemake("--configfile", "own.yaml", "-n", configured=False)
    assert "Nothing to be done" in result.stdout + result.stderr


def test_a_moved_directory_reruns_nothing(finished, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.move(finished.folder, moved)
    finished.folder = moved
    assert finished.planned() == {}


def test_a_deleted_intermediate_reruns_nothing(finished):
    for path in (finished.results / "prepared").iterdir():
        path.unlink()
    assert finished.planned() == {}


def test_a_failed_training_leaves_no_stale_tables(finished, set_key):
    """An option is changed, the training fails, the same call comes again: it must fail again."""
    set_key(finished.config, "overrides.a.teacher.weights", "missing.safetensors")
    (finished.folder / "missing.safetensors").write_bytes(b"not weights")
    for _ in range(2):
        result = finished.snakemake()
        assert result.returncode != 0
        assert "missing.safetensors: not a readable weight file" in result.stdout + result.stderr
        assert finished.planned() == {"train": 1, "infer": 1, "evaluate": 1} | TAIL


def test_results_of_other_settings_are_refused_without_snakemakes_memory(finished, set_key):
    """With .snakemake gone a changed option is not seen; `aggregate` names the stale file."""
    shutil.rmtree(finished.folder / ".snakemake")
    set_key(finished.config, "overrides.a.infer.blur_sigma_px", 2.0)
    (finished.results / "tables" / "tidy.csv").unlink()
    result = finished.snakemake()
    assert result.returncode != 0
    assert (
        "bank/a/seed0/metrics.json: was made with other settings" in result.stdout + result.stderr
    )


def test_the_bare_command_loads_the_default_profile(finished):
    result = finished.snakemake("-n", configured=False)
    assert "profile profiles/default" in result.stdout + result.stderr
    assert result.returncode == 0


def test_the_papers_experiment_needs_no_data_to_be_planned(finished):
    result = finished.snakemake("-n", configured=False)
    text = result.stdout + result.stderr
    for line in (
        "train                   20",
        "infer                   20",
        "prepare                 10",
    ):
        assert line in text


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [("train.epoch", 3, "'train.epoch'"), ("trian", {}, "'trian'"), ("seeds", "x", "seeds")],
)
def test_a_bad_configuration_stops_before_anything_runs(finished, set_key, key, value, named):
    set_key(finished.config, key, value)
    result = finished.snakemake()
    text = result.stdout + result.stderr
    assert result.returncode == 2
    assert named in text
    assert "Traceback" not in text


def test_synthetic_data_of_another_number_are_made_anew(workflow, set_key):
    """By hand `dcrdf synthesize` would refuse; Snakemake has removed the marker by then."""
    few = {"image_size": 64, "train": 2, "validation": 1, "test_good": 1, "test_per_defect": 1}
    dataset = {"categories": ["cracker"], "root": "made", "synthetic": few}
    workflow.config["dataset"] |= dataset
    marker = "made/cracker/.dcrdf-synthetic.json"
    for train in (2, 3):
        set_key(workflow.config, "dataset.synthetic.train", train)
        result = workflow.snakemake("--", marker)
        assert result.returncode == 0, result.stderr[-3000:]
        assert len(list((workflow.folder / "made/cracker/train/good/rgb").iterdir())) == train


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("evaluate.limits", [], "evaluate.limits"),
        ("seeds", [0, 0], "seeds"),
        ("teacher.weights", "no.safetensors", "teacher.weights: no.safetensors: no such file"),
        ("dataset.synthetic", {}, "dataset.synthetic: makes cracker, flange, handle, not 'a'"),
    ],
)
def test_what_would_fail_later_stops_a_dry_run(finished, set_key, key, value, named):
    set_key(finished.config, key, value)
    result = finished.snakemake("-n")
    assert result.returncode == 2
    assert named in result.stderr
    assert "Traceback" not in result.stdout + result.stderr


def test_degraded_scans_are_scored_where_they_are_asked_for(finished, set_key):
    set_key(finished.config, "overrides.a.robustness.degradations", ["depth_absent"])
    assert finished.planned() == {"robustness": 1} | TAIL
    finished.run()
    assert finished.planned() == {}
    table = (finished.results / "tables" / "robustness.md").read_text()
    assert "## bank (zscore\\_sum), a, seed 0" in table
    assert "Degraded test scans" in (finished.results / "report.html").read_text()
    set_key(finished.config, "robustness.seed", 1)
    assert finished.planned() == {"robustness": 1} | TAIL
    set_key(finished.config, "overrides.a.infer.blur_sigma_px", 2.0)
    assert finished.planned() == {"infer": 1, "evaluate": 1, "robustness": 1} | TAIL


def test_a_missing_data_root_is_named(finished):
    finished.config["dataset"]["root"] = "nowhere"
    result = finished.snakemake()
    assert result.returncode == 2
    assert "dcrdf: error: nowhere/a: no such folder" in result.stderr
    assert "Traceback" not in result.stdout + result.stderr
