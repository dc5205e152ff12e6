"""What a change reruns, on the real workflow with tiny scans and the memory bank."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("finished workflow")]
ROOT = Path(__file__).parents[2]
TAIL = {"aggregate": 1, "report": 1}


def test_a_finished_workflow_says_so(finished):
    assert finished.planned() == {}


def test_all_data_were_made_before_the_first_training(finished):
    """Or they would have waited for its end, and the other core with them."""
    prepared = [path.stat().st_mtime for path in finished.results.glob("prepared/*.h5")]
    trained = [path.stat().st_mtime for path in finished.results.glob("models/*/weights.*")]
    assert len(prepared) == len(trained) == 2
    assert max(prepared) < min(trained)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        (
            "prepare.normalise_min_span_mm",
            7.0,
            {"prepare": 1, "train": 1, "infer": 1, "evaluate": 1},
        ),
        ("train.cpu_threads", 2, {"train": 1, "infer": 1, "evaluate": 1}),
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


def test_a_scan_that_an_older_one_replaced(finished):
    """As from a backup: Snakemake sees by the times that nothing changed."""
    path = finished.folder / "scans" / "a" / "train" / "good" / "xyz" / "000.tiff"
    kept = path.read_bytes()
    path.write_bytes(path.with_name("001.tiff").read_bytes())
    os.utime(path, (1e9, 1e9))
    expected = {"prepare": 1, "train": 1, "infer": 1, "evaluate": 1} | TAIL
    assert finished.planned() == expected
    finished.run()
    assert finished.planned() == {}
    path.write_bytes(kept)
    os.utime(path, (1e9, 1e9))
    shutil.rmtree(finished.folder / ".snakemake")
    assert finished.planned() == expected


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


def forgotten(finished):
    """Results whose Snakemake memory is gone, as in the copy of a results folder."""
    shutil.rmtree(finished.folder / ".snakemake")
    return finished


def test_results_without_snakemakes_memory_are_current(finished):
    assert forgotten(finished).planned() == {}


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        (
            "overrides.a.train.cpu_threads",
            3,
            {"train": 1, "infer": 1, "evaluate": 1} | TAIL,
        ),
        ("dataset.categories", ["a"], TAIL),
        ("report.title", "Another", {"report": 1}),
    ],
)
def test_without_snakemakes_memory_the_same_is_made_again(finished, set_key, key, value, expected):
    """The outputs' own records say what they were made with."""
    set_key(forgotten(finished).config, key, value)
    assert finished.planned() == expected


def test_results_copied_over_others_are_made_again(finished, set_key, tmp_path):
    """Here Snakemake remembers, but not these files."""
    kept = tmp_path / "kept"
    shutil.copytree(finished.results, kept)
    set_key(finished.config, "evaluate.limits", [0.3, 0.05])
    finished.run()
    shutil.copytree(kept, finished.results, dirs_exist_ok=True)
    assert finished.planned() == {"evaluate": 2} | TAIL
    finished.run()
    assert ",aupro_05," in (finished.results / "tables" / "tidy.csv").read_text()
    assert finished.planned() == {}


def test_stale_results_wait_until_they_are_asked_for(finished, set_key):
    set_key(forgotten(finished).config, "evaluate.limits", [0.3, 0.05])
    assert finished.planned("--", "results/tiny/bank/a/seed0/metrics.json") == {"evaluate": 1}


def test_own_data_need_no_download(finished):
    assert finished.planned("downloads") == {"downloads": 1}  # the target alone


def test_a_damaged_model_is_named_with_what_to_do(finished, set_key):
    folder = next((finished.results / "models").glob("a-*"))
    (folder / "weights.safetensors").write_bytes(b"damaged")
    set_key(finished.config, "overrides.a.infer.blur_sigma_px", 2.0)
    result = finished.snakemake()
    assert result.returncode != 0
    named = f"remove the folder {folder.relative_to(finished.folder)} and run again"
    assert named in result.stdout + result.stderr
    shutil.rmtree(folder)
    assert finished.planned() == {"train": 1, "infer": 1, "evaluate": 1} | TAIL


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
        (
            "dataset.synthetic",
            {},
            "dataset.synthetic: makes cracker, flange, handle, scone, field, not 'a'",
        ),
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


def test_other_spellings_and_a_touched_configuration_rerun_nothing(finished):
    finished.config["train"]["learning_rate"] = 0.005  # the default, spelt out
    finished.command()
    path = finished.folder / "own.yaml"
    path.write_text(path.read_text().replace("0.005", "5.0e-3"))
    result = finished.snakemake("--configfile", "own.yaml", "-n", configured=False)
    assert "5.0e-3" in path.read_text()
    assert "Nothing to be done" in result.stdout + result.stderr


def test_an_added_category_is_made_alone(finished, make_scans):
    """The scans of the others are written anew, with the same content."""
    make_scans(finished.folder / "scans", ("a", "b", "c"))
    finished.config["dataset"]["categories"].append("c")
    assert finished.planned() == {"prepare": 1, "train": 1, "infer": 1, "evaluate": 1} | TAIL


def patched(finished, code):
    """Let code run before Snakemake's: a package of another version."""
    folder = finished.folder / "patch"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code)
    finished.environment |= {"PYTHONPATH": f"{folder}:{ROOT}"}


def test_a_bumped_stage_version_reruns_that_stage_and_those_below(finished):
    patched(finished, "from dcrdf.config import stages\n"
            "stages.STAGE_VERSIONS = {**stages.STAGE_VERSIONS, 'infer': 999}\n")  # fmt: skip
    assert finished.planned() == {"infer": 2, "evaluate": 2} | TAIL


def test_a_new_option_reruns_its_stage_and_those_below(finished):
    patched(finished, "from dcrdf.config import chain, options\n"
            "dump = chain._dump\n"
            "chain._dump = lambda x: dump(x) | (\n"
            "    {'new': 1} if isinstance(x, options.EvaluateOptions) else {})\n")  # fmt: skip
    assert finished.planned() == {"evaluate": 2} | TAIL


def test_what_does_not_change_results_in_the_rules_reruns_nothing(finished):
    """A comment, threads, resources, the logs' folder, the environment of conda."""
    for name in ("workflow", "envs"):
        (finished.folder / name).unlink()
        shutil.copytree(ROOT / name, finished.folder / name)
    rules = finished.folder / "workflow" / "rules"
    for path in (finished.folder / "workflow").glob("rules/*.smk"):
        text = path.read_text().replace("threads: 2", "threads: 1")
        path.write_text("# A comment.\n" + text.replace("gpu=1,", "gpu=1,\n        mem_mb=7,"))
    common = (rules / "common.smk").read_text()
    (rules / "common.smk").write_text(common.replace('FOLDER / "logs"', 'FOLDER / "other logs"'))
    assert "other logs" in (rules / "common.smk").read_text()
    with (finished.folder / "envs" / "dcrdf.yaml").open("a") as file:
        file.write("# another\n")
    assert finished.planned() == {}


def test_renamed_results_rerun_nothing(finished):
    (finished.folder / "results").rename(finished.folder / "kept")
    finished.config["results"] = "kept"
    assert finished.planned() == {}


def test_a_deleted_intermediate_is_made_again_when_something_needs_it(finished, set_key):
    for path in (finished.results / "prepared").glob("a-*"):
        path.unlink()
    set_key(finished.config, "overrides.a.infer.blur_sigma_px", 2.0)
    assert finished.planned() == {"prepare": 1, "train": 1, "infer": 1, "evaluate": 1} | TAIL


@pytest.mark.parametrize(
    ("deleted", "expected"),
    [
        ("bank/a/seed0/maps.h5", {"infer": 1, "evaluate": 1} | TAIL),
        ("bank/a/seed0/model/weights.safetensors", {"infer": 1, "evaluate": 1} | TAIL),
        ("bank/a/seed0/metrics.json", {"evaluate": 1} | TAIL),
        ("tables/manifest.json", TAIL),
        ("report.html", {"report": 1}),
        ("report/a.html", {"report": 1}),
    ],
)
def test_a_deleted_result_is_made_again(finished, deleted, expected):
    (finished.results / deleted).unlink()
    assert finished.planned() == expected


def interrupt_training(workflow, *arguments):
    """Start the workflow, kill all of it when a training runs."""
    process = workflow.start(*arguments)
    try:
        while not workflow.steps("train"):
            assert process.poll() is None, (workflow.folder / "snakemake.log").read_text()[-3000:]
            time.sleep(0.01)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    workflow.snakemake("--unlock")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("--keep-incomplete",)])
def test_a_killed_training_leaves_no_stale_tables(finished, set_key, arguments):
    set_key(finished.config, "overrides.a.train.cpu_threads", 2)
    interrupt_training(finished, *arguments)
    assert finished.planned() == {"train": 1, "infer": 1, "evaluate": 1} | TAIL


@pytest.mark.slow
def test_dropped_and_added_again(finished):
    """A run and a category: what was made stays and is used."""
    finished.config["runs"]["max"] = {**finished.config["runs"]["bank"], "infer": {"fusion": "max"}}
    finished.run()
    whole = dict(finished.config["runs"])
    del finished.config["runs"]["max"]
    assert finished.planned() == TAIL
    finished.config["dataset"]["categories"] = ["b"]
    finished.run()
    finished.config["runs"] = whole
    finished.config["dataset"]["categories"] = ["a", "b"]
    assert finished.planned() == TAIL


@pytest.mark.slow
def test_a_touched_file_above_snakemakes_own_limit_reruns_nothing(finished):
    large = finished.folder / "scans" / "a" / "recording.bin"
    large.write_bytes(bytes(3_000_000))
    finished.run()
    later = time.time() + 100
    os.utime(large, (later, later))
    assert finished.planned() == {}
