"""Names and files that nobody vouches for, through the whole workflow: nothing is executed."""

import json
import sys
from pathlib import Path

import pytest

from dcrdf.results.maps import open_maps

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("finished workflow")]
ODD = ["a b", "it's", 'quo"te', "new\nline", "$(touch pwned)", "`touch pwned`", "; touch pwned",
       "x", "*", "ä", "-n"]  # fmt: skip


def rename_scans(folder, names):
    """Give the scans of a folder these names; returns those that were given."""
    images = sorted((folder / "rgb").iterdir())
    for image, name in zip(images, names, strict=False):
        for old in [*folder.glob(f"*/{image.stem}.*")]:
            old.rename(old.with_name(name + old.suffix))
    return list(names[: len(images)])


def test_odd_names_of_files_and_folders(tmp_path, make_scans, new_workflow):
    place = tmp_path / 'it\'s "here" $(touch pwned); touch pwned & x'
    place.mkdir()
    workflow = new_workflow(place)
    root = make_scans(place / "my scans; touch pwned", categories=("a",))
    workflow.config["dataset"] |= {"root": root.name, "categories": ["a"]}
    workflow.config["results"] = "the 'results' $HOME"
    # The environment may lie anywhere, too.
    environment = tmp_path / "my environment's"
    environment.symlink_to(Path(sys.executable).parents[1])
    workflow.python = str(environment / "bin" / Path(sys.executable).name)
    folder = root / "a"
    names = rename_scans(folder / "test/good", ODD[:2]) + rename_scans(
        folder / "test/spot", ODD[2:4]
    )
    rename_scans(folder / "train/good", ODD[4:8])
    rename_scans(folder / "validation/good", ODD[8:])
    workflow.run()

    job = place / "the 'results' $HOME" / "tiny" / "bank" / "a" / "seed0"
    with open_maps(job / "maps.h5") as maps:
        assert sorted(maps.names) == sorted(names)
    assert json.loads((job / "metrics.json").read_text())["counts"]["defect"] == 2
    assert (job.parents[2] / "report.html").is_file()
    times_ns = [(job / one).stat().st_mtime_ns for one in ("model/weights.safetensors", "maps.h5")]
    assert times_ns == sorted(times_ns)  # the weights are the training's, and an input of the maps
    assert workflow.planned() == {}
    assert not list(tmp_path.rglob("pwned*"))


def test_braces_in_a_name_are_refused(workflow):
    path = workflow.folder / "scans/a/train/good/rgb/000.png"
    path.rename(path.with_name("{seed}.png"))
    result = workflow.snakemake("-n")
    assert result.returncode == 2
    assert "{seed}.png: Snakemake takes braces in a path for a wildcard" in result.stderr
    assert "Traceback" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    "text",
    [
        "runs: !!python/object/apply:os.system ['touch pwned']",
        "dataset: !!python/object/new:os.system ['touch pwned']",
        "dataset: {name: !!python/name:os.system ''}",
    ],
)
def test_yaml_tags_execute_nothing(workflow, text):
    (workflow.folder / "own.yaml").write_text(text)
    result = workflow.snakemake("-n", "--configfile", "own.yaml", configured=False)
    assert result.returncode != 0
    assert not list(workflow.folder.rglob("pwned"))


def test_bad_scans_are_left_out_counted_and_reported_unless_strict(finished):
    """`prepare.strict: false` from the scans to the page."""
    scans = finished.folder / "scans" / "a"
    for path in (scans / "test/spot/rgb/000.png", scans / "train/good/xyz/001.tiff"):
        path.write_bytes(path.read_bytes()[:200])
    refused = finished.snakemake()
    assert refused.returncode != 0
    assert "error: scans/a/train/good/xyz/001.tiff: " in refused.stdout + refused.stderr

    finished.config["overrides"] = {"a": {"prepare": {"strict": False}}}
    finished.run()
    metrics = json.loads((finished.results / "bank/a/seed0/metrics.json").read_text())
    assert metrics["counts"] == {"good": 2, "defect": 1, "without_mask": 0}
    assert [identity for identity, _ in metrics["skipped"]] == [
        "a/train/good/001", "a/test/spot/000",
    ]  # fmt: skip
    for name in ("report.html", "tables/tables.md"):
        text = (finished.results / name).read_text()
        assert "2 images of a were left out of run “bank”, seed 0" in text, name
