"""Installation files agree with each other and with what is installed."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
RUN, DEV = ROOT / "envs" / "requirements.txt", ROOT / "envs" / "requirements-dev.txt"


def pins(path):
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.]+", line) for line in lines), lines
    return dict(line.split("==") for line in lines)


def test_conda_installs_the_same_versions():
    environment = yaml.safe_load((ROOT / "envs" / "dcrdf.yaml").read_text())
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert "-r requirements.txt" in pip
    conda_packages = {
        re.split("[=<>]", entry)[0]
        for entry in environment["dependencies"]
        if isinstance(entry, str)
    }
    assert not conda_packages & set(pins(RUN)), "a package must have one source of its version"


def test_the_package_takes_its_dependencies_from_the_same_file():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    dynamic = project["tool"]["setuptools"]["dynamic"]
    assert dynamic["dependencies"]["file"] == ["envs/requirements.txt"]
    assert dynamic["optional-dependencies"]["dev"]["file"] == ["envs/requirements-dev.txt"]


def test_tests_run_with_the_pinned_versions():
    for name, pinned in (pins(RUN) | pins(DEV)).items():
        assert version(name).split("+")[0] == pinned, name


def test_profiles_agree_on_what_both_must_say():
    """Only one workflow profile is loaded, so the cluster's repeats the common keys."""
    default = yaml.safe_load((ROOT / "profiles" / "default" / "config.yaml").read_text())
    slurm = yaml.safe_load((ROOT / "workflow" / "profiles" / "slurm" / "config.yaml").read_text())
    for key in ("rerun-incomplete", "keep-going", "show-failed-logs", "rerun-triggers",
                "max-checksum-file-size"):  # fmt: skip
        assert slurm[key] == default[key], key
