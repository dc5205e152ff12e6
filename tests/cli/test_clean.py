"""`dcrdf clean` on files made by hand."""

import pytest
import yaml

from dcrdf.cli import main
from dcrdf.cli.common import load_plan


@pytest.fixture
def plan(tmp_path, minimal, monkeypatch):
    """A plan below the working directory, with its prepared data and nothing else."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(minimal))
    plan = load_plan(tmp_path / "own.yaml")
    job, chain = next(iter(plan.chains.items()))
    path = plan.prepared_path(job.category, chain.prepare.digest)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"used")
    return plan


def test_what_no_job_uses_goes_and_links_lose_no_target(plan, tmp_path, capsys):
    prepared, models = plan.folder / "prepared", plan.folder / "models"
    (prepared / "a-00000000.h5").write_bytes(b"x")
    (models / "a-seed0-00000000").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept").write_bytes(b"x")
    (models / "linked").symlink_to(tmp_path / "elsewhere")
    (models / "dangling").symlink_to(tmp_path / "nowhere")
    assert main(["clean", "own.yaml"]) == 0
    assert len(list(models.iterdir())) == 3
    assert main(["clean", "own.yaml", "--yes"]) == 0
    assert list(models.iterdir()) == []
    assert [path.read_bytes() for path in prepared.iterdir()] == [b"used"]
    assert (tmp_path / "elsewhere" / "kept").is_file()
    assert "removed" in capsys.readouterr().out


def test_what_a_running_step_writes_is_not_told(plan, capsys):
    partial = plan.folder / "prepared" / ".a-00000000.host-1.part.h5"
    partial.write_bytes(b"x")
    assert main(["clean", "own.yaml", "--yes"]) == 0
    assert partial.is_file()
    assert "part.h5" not in capsys.readouterr().out


def test_results_that_are_not_there_are_named(plan, tmp_path, capsys):
    plan.folder.rename(tmp_path / "elsewhere")
    assert main(["clean", "own.yaml"]) == 2
    assert f"own.yaml: no such results folder: {plan.folder}" in capsys.readouterr().err
