"""Installation files agree with each other, with what is imported and with what is installed."""

import ast
import re
import runpy
import sys
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
RUN, DEV = ROOT / "envs" / "requirements.txt", ROOT / "envs" / "requirements-dev.txt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
USES = [text for name, texts in EXTRAS.items() if name not in ("all", "dev") for text in texts]
"""What the extras bring that are for a use, all together."""


def pins(path):
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.]+", line) for line in lines), lines
    return dict(line.split("==") for line in lines)


def ranges(texts):
    """Canonical name -> what is asked of it; extras of the package itself are left out."""
    asked = (Requirement(text) for text in texts)
    return {canonicalize_name(one.name): one.specifier for one in asked if one.name != "dcrdf"}


def imported(paths):
    """Top-level names of other people's modules that files import, at any depth."""
    names = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"dcrdf"}


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


@pytest.mark.parametrize(
    ("file", "asked"),
    [(RUN, PROJECT["dependencies"] + USES), (DEV, EXTRAS["dev"])],
    ids=["run", "dev"],
)
def test_exact_versions_lie_in_the_ranges(file, asked):
    exact = {canonicalize_name(name): pinned for name, pinned in pins(file).items()}
    wanted = ranges(asked)
    assert set(exact) == set(wanted)
    assert [name for name in exact if not wanted[name].contains(exact[name])] == []


def test_all_of_the_extras():
    """`all` has each extra of a use, and `dev` has `all`."""
    uses = set(EXTRAS) - {"all", "dev"}
    assert EXTRAS["all"] == [f"dcrdf[{','.join(sorted(uses))}]"]
    assert "dcrdf[all]" in EXTRAS["dev"]


def owners_of(names):
    """Imported names -> the distributions that they may come from."""
    distributions = packages_distributions()
    assert names <= set(distributions), names - set(distributions)
    return {name: {canonicalize_name(x) for x in distributions[name]} for name in names}


def test_the_package_asks_for_what_it_imports_and_for_nothing_else():
    owners = owners_of(imported((ROOT / "dcrdf").rglob("*.py")))
    extras = EXTRAS["train"] + EXTRAS["runtime"] + EXTRAS["export"]
    asked = set(ranges(PROJECT["dependencies"] + extras))
    assert {name for name, those in owners.items() if not those & asked} == set()
    assert asked - set().union(*owners.values()) == set()


def test_what_extras_bring_is_named_where_it_is_missing():
    """`dcrdf.errors.EXTRAS` has every module that the base lacks, with the extra that brings it."""
    from dcrdf.errors import EXTRAS as NAMED

    base = set(ranges(PROJECT["dependencies"]))
    for name, owners in owners_of(imported((ROOT / "dcrdf").rglob("*.py"))).items():
        if not owners & base:
            assert owners & set(ranges(EXTRAS[NAMED[name]])), name


def test_the_base_and_the_runtime_bring_no_torch():
    asked = PROJECT["dependencies"] + EXTRAS["runtime"]
    assert not set(ranges(asked)) & set(ranges(EXTRAS["train"]))
    assert not any("dcrdf[" in text for text in asked)


def test_whatever_trains_asks_for_training():
    for extra in ("workflow", "export"):
        assert any(text.startswith("dcrdf[") and "train" in text for text in EXTRAS[extra])


def test_every_need_has_one_lowest_version():
    lowest = runpy.run_path(str(ROOT / "tests" / "lowest.py"))["lowest_versions"]()
    assert len(lowest) == len(pins(RUN))


def test_a_backend_that_builds_is_among_the_tools():
    (backend,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert backend in EXTRAS["dev"]


def test_the_container_copies_what_the_package_is_built_from():
    lines = (ROOT / "envs" / "Containerfile").read_text().splitlines()
    copied = [name for line in lines if line.startswith("COPY ") for name in line.split()[1:-1]]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    wheel = build["targets"]["wheel"]
    needed = [
        *wheel["packages"], *wheel["force-include"], *PROJECT["license-files"], PROJECT["readme"],
    ]  # fmt: skip
    assert {name.partition("/")[0] for name in needed} <= set(copied)


def test_the_changelog_begins_with_the_version():
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert headings[0] == PROJECT["version"]


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
