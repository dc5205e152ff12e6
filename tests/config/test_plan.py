"""The plan knows what steps read and what must be there before anything runs."""

import re
from pathlib import Path

import pytest

from dcrdf.errors import UserError

ROOT = Path(__file__).parents[2]

DOWNLOAD = {"url": "https://example.org/set.zip", "hash": "md5:" + "0" * 32}


def test_only_what_is_needed_and_not_there_is_downloaded(plan_of, minimal, tmp_path, set_key):
    minimal["dataset"] |= {"root": str(tmp_path / "set"), "synthetic": None, "categories": ["a"]}
    minimal["downloads"] = {"dataset": DOWNLOAD}
    minimal["data"] = str(tmp_path)
    assert plan_of(minimal).downloads == [tmp_path / "set/.dcrdf-download.json"]
    (tmp_path / "set" / "a").mkdir(parents=True)
    assert plan_of(minimal).downloads == []
    set_key(minimal, "teacher", {"name": "resnet18", "weights": "torchvision"})
    set_key(minimal, "pseudo.textures", "dtd")
    assert plan_of(minimal).downloads == [
        tmp_path / "dtd/.dcrdf-download.json",
        tmp_path / "weights/resnet18.pth",
    ]


def test_every_category_has_a_page(plan_of, minimal):
    pages = [path.as_posix() for path in plan_of(minimal).category_pages]
    assert pages == ["results/tiny/report/a.html", "results/tiny/report/b.html"]


def test_nothing_is_downloaded_beside_other_data(plan_of, minimal, tmp_path):
    (tmp_path / "a").mkdir()
    minimal["dataset"] |= {"root": str(tmp_path), "synthetic": None, "categories": ["a", "b"]}
    minimal["downloads"] = {"dataset": DOWNLOAD}
    with pytest.raises(UserError, match=r"/b: no such folder, and nothing is downloaded into"):
        plan_of(minimal).check()


@pytest.mark.parametrize(
    ("key", "value"),
    [("teacher.weights", "no.safetensors"), ("pseudo.textures", "no/textures")],
)
def test_missing_weights_and_textures_stop_before_anything_runs(
    plan_of, minimal, set_key, tmp_path, monkeypatch, key, value
):
    monkeypatch.chdir(tmp_path)
    minimal["dataset"]["categories"] = ["flange", "handle"]
    plan_of(minimal).check()
    set_key(minimal, f"overrides.handle.{key}", value)
    with pytest.raises(UserError, match=f"{key}: {value}: no such"):
        plan_of(minimal).check()
    path = tmp_path / value
    path.parent.mkdir(exist_ok=True)
    path.touch() if path.suffix else path.mkdir()
    if key == "pseudo.textures":
        with pytest.raises(UserError, match=f"{key}: {value}: holds no .jpg or .png image"):
            plan_of(minimal).check()
        (path / "a.png").touch()
    plan_of(minimal).check()


def test_textures_that_no_run_uses_may_be_missing(plan_of, minimal, set_key):
    minimal["dataset"]["categories"] = ["flange"]
    minimal["runs"]["net"]["preset"] = "dual_rd"
    plan_of(set_key(minimal, "pseudo.textures", "no/textures")).check()


def test_own_textures_are_read_file_by_file(plan_of, minimal, set_key, tmp_path):
    """Or a replaced texture would rerun nothing."""
    paths = [tmp_path / "a.png", tmp_path / "b" / "c.JPG"]
    (tmp_path / "b").mkdir()
    for path in (*paths, tmp_path / "notes.txt"):
        path.write_bytes(b"x")
    plan = plan_of(set_key(minimal, "pseudo.textures", str(tmp_path)))
    stage = plan.chain("net", "a", 0).pseudo
    assert plan.pseudo_inputs("a", stage.digest)["own_textures"] == paths
    (tmp_path / "{x}.png").write_bytes(b"x")
    with pytest.raises(UserError, match="braces"):
        plan.sources.check_textures(str(tmp_path))


def test_long_trainings_come_before_short_ones(plan_of, minimal):
    minimal["train"] = {"epochs": 20, "batch_size": 8}
    minimal["runs"] = {
        "bank": {"detector": "memory_bank", "preset": "default"},
        "plain": {"detector": "dcrdf_net", "preset": "dual_rd"},
        "twins": {"detector": "dcrdf_net", "preset": "paper"},
        "steps": {"detector": "dcrdf_net", "preset": "dual_rd", "train": {"min_steps": 900}},
        "large": {"detector": "dcrdf_net", "preset": "dual_rd", "prepare": {"image_size": 512}},
    }
    plan = plan_of(minimal)
    order = ["bank", "plain", "twins", "steps", "large"]
    efforts = [plan.chain(run, "a", 0).resolved.training_effort for run in order]
    assert efforts == sorted(set(efforts))
    assert efforts[0] == 0
    assert efforts[2] == 2 * efforts[1]
    priorities = plan.training_priorities
    of_run = {
        run: [priorities[plan.chain(run, category, 0).train.digest] for category in ("a", "b")]
        for run in order
    }
    assert sorted(priorities.values()) == list(range(1, 11))
    assert sorted(order, key=of_run.__getitem__) == order
    # Equal ones in the order of the configuration.
    assert all(first > second for first, second in of_run.values())


def test_data_are_made_before_any_training_takes_a_core(plan_of, minimal):
    """A solver that adds up must not prefer all trainings to one job that makes data."""
    plan = plan_of(minimal)
    assert plan.data_priority > sum(plan.training_priorities.values())
    rules = (ROOT / "workflow" / "rules" / "data.smk").read_text()
    for rule in ("synthesize", "prepare", "pseudo"):
        of_rule = re.split(r"\n\n\n", rules[rules.index(f"rule {rule}:") :])[0]
        assert "priority: PLAN.data_priority" in of_rule
