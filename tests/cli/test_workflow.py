"""`dcrdf workflow`: a folder from which Snakemake runs, and nothing that was there is touched."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from dcrdf.cli import main
from dcrdf.cli.workflow import PARTS, write_workflow
from dcrdf.errors import UserError

ROOT = Path(__file__).parents[2]


def below(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_files_are_the_repositorys(tmp_path, capsys):
    assert main(["workflow", str(tmp_path / "my own")]) == 0
    written = below(tmp_path / "my own")
    assert {"Snakefile", "config.yaml", "workflow/demo.yaml", "workflow/rules/common.smk",
            "workflow/report/page.rst", "workflow/profiles/slurm/config.yaml",
            "profiles/default/config.yaml", "envs/dcrdf.yaml"} <= set(written)  # fmt: skip
    assert all(written[name] == (ROOT / name).read_bytes() for name in written)
    assert [path.name for path in tmp_path.iterdir()] == ["my own"]
    assert "cd '" in capsys.readouterr().out


def test_snakemake_plans_the_demo_there(tmp_path):
    assert main(["workflow", str(tmp_path / "my")]) == 0
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "-n"]
    result = subprocess.run(
        [*command, "--configfile", "workflow/demo.yaml"], cwd=tmp_path / "my",
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-2000:]
    assert "synthesize" in result.stdout


@pytest.mark.parametrize("there", ["file", "full folder", "link to nowhere", "current folder"])
def test_nothing_is_overwritten(there, tmp_path, monkeypatch, capsys):
    target = tmp_path / "my"
    if there == "file":
        target.write_text("mine")
    elif there == "link to nowhere":
        target.symlink_to(tmp_path / "nowhere")
    else:
        target.mkdir()
        if there == "full folder":
            (target / "config.yaml").write_text("mine")
        else:
            monkeypatch.chdir(target)
    before = below(tmp_path)
    named = "." if there == "current folder" else str(target)
    assert main(["workflow", named]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"dcrdf: error: {named}: ")
    assert error.count("\n") == 1
    assert below(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my"]


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "my").mkdir()
    write_workflow(tmp_path / "my")
    assert (tmp_path / "my" / "Snakefile").is_file()


def test_what_cannot_be_read_leaves_nothing(tmp_path):
    """An installation that lacks a file."""
    source = tmp_path / "source"
    write_workflow(source)
    (source / "config.yaml").unlink()
    with pytest.raises(UserError, match=r"config\.yaml"):
        write_workflow(tmp_path / "my", source)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_files_of_a_read_only_installation_can_be_edited(tmp_path):
    source = tmp_path / "source"
    write_workflow(source)
    for path in source.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    write_workflow(tmp_path / "my", source)
    assert all(path.stat().st_mode & 0o200 for path in (tmp_path / "my").rglob("*"))


def test_a_wheel_takes_the_same_files():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert build["targets"]["wheel"]["force-include"] == {
        part: f"dcrdf/workflow_files/{part}" for part in PARTS
    }
