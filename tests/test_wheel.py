"""What `python -m build` makes works where no checkout is: nothing is missing from it."""

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
JUNK = re.compile(r"(^|/)(__pycache__|\.[^/]+_cache|\.venv|\.snakemake|build|data)(/|$)")


def files_below(folder):
    paths = (path.relative_to(ROOT).as_posix() for path in folder.rglob("*") if path.is_file())
    return {path for path in paths if "__pycache__" not in path}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of sdist and wheel; the wheel is built from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    """The wheel, to be read."""
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as file:
        yield file


@pytest.fixture(scope="module")
def away(wheel, tmp_path_factory):
    """Runs Python with the wheel's package in a folder far from the checkout."""
    site, folder = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("away")
    wheel.extractall(site)

    def run(*arguments, cwd=folder):
        result = subprocess.run(
            [sys.executable, *arguments], cwd=cwd, env=os.environ | {"PYTHONPATH": str(site)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr[-2000:]
        return result.stdout

    return run


def test_the_wheel_has_the_package_and_the_workflow(wheel):
    own = {name for name in wheel.namelist() if ".dist-info/" not in name}
    parts = {"Snakefile", "config.yaml", "envs/dcrdf.yaml", "envs/requirements.txt"}
    parts |= files_below(ROOT / "workflow") | files_below(ROOT / "profiles")
    assert own == files_below(ROOT / "dcrdf") | {f"dcrdf/workflow_files/{part}" for part in parts}
    assert {"dcrdf/py.typed", "dcrdf/results/published/printed.csv",
            "dcrdf/report/templates/page.html.j2",
            "dcrdf/report/explore/js/state.js"} <= own  # fmt: skip


def test_the_source_archive_has_the_tests_and_no_litter(built):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for folder in ("bench", "docs", "envs", "tests"):
        assert files_below(ROOT / folder) <= names
    assert [name for name in names if JUNK.search(name)] == []


def test_an_installation_is_asked_for_no_exact_version(wheel):
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = message_from_string(wheel.read(name).decode())
    asked = metadata.get_all("Requires-Dist")
    assert len(asked) > 20
    assert [text for text in asked if "==" in text.partition(";")[0]] == []
    extras = {"train", "runtime", "export", "workflow", "all", "dev"}
    assert extras == set(metadata.get_all("Provides-Extra"))
    without_extra = [text for text in asked if "extra ==" not in text]
    assert not [text for text in without_extra if text.startswith(("torch", "safetensors"))]
    assert set(metadata.get_all("License-File")) == {"LICENSE", "THIRD_PARTY_NOTICES.md"}


def test_the_command_runs_away_from_the_checkout(away, wheel):
    version = Path(wheel.filename).name.split("-")[1]
    assert away("-m", "dcrdf.cli", "--version") == f"dcrdf {version}\n"
    away("-m", "dcrdf.cli", "published")  # reads the printed tables
    template = "from dcrdf.report.page import _environment as e; e().get_template('page.html.j2')"
    assert str(ROOT) not in away("-c", f"import dcrdf; print(dcrdf.__file__); {template}")


def test_the_workflow_is_written_and_planned_away_from_the_checkout(away, tmp_path):
    away("-m", "dcrdf.cli", "workflow", "my", cwd=tmp_path)
    plan = away(
        "-m", "snakemake", "--cores", "2", "--configfile", "workflow/demo.yaml", "-n",
        cwd=tmp_path / "my",
    )  # fmt: skip
    assert re.search(r"^train +\d+$", plan, flags=re.MULTILINE)
