"""Hardware and code versions, from files and checkouts made for the test."""

import subprocess

import pytest

from dcrdf.results.machine import (
    code_version,
    gpu_names,
    machine,
    processor_name,
    software_versions,
)


def git(folder, *arguments):
    subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=e@x", *arguments],
        check=True, capture_output=True,
    )  # fmt: skip


@pytest.fixture
def package(tmp_path):
    """A package of one module."""
    folder = tmp_path / "project" / "dcrdf"
    folder.mkdir(parents=True)
    (folder / "module.py").write_text("x = 1\n")
    return folder


def test_gpus_are_what_the_driver_shows(tmp_path):
    for address, model in (("0000:81:00.0", "NVIDIA B"), ("0000:01:00.0", "NVIDIA A")):
        (tmp_path / address).mkdir()
        (tmp_path / address / "information").write_text(f"Model: \t\t {model}\nIRQ:   \t 44\n")
    assert gpu_names(tmp_path) == ["NVIDIA A", "NVIDIA B"]
    assert gpu_names(tmp_path / "absent") == []


def test_the_processor_has_a_name_even_where_no_file_tells_it(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Some CPU @ 3.00GHz: two\n")
    assert processor_name(cpuinfo) == "Some CPU @ 3.00GHz: two"
    assert processor_name(tmp_path / "absent")


def test_machine_names_itself():
    assert set(machine()) == {"system", "processor", "cpus", "gpus"}


def test_a_checkout_has_a_commit_and_may_be_changed(package):
    project = package.parent
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "first")
    code = code_version(package)
    assert len(code["commit"]) == 40
    assert code["changed"] is False
    (project / "notes.txt").write_text("beside the package")
    assert code_version(package)["changed"] is False
    (package / "module.py").write_text("x = 2\n")
    assert code_version(package)["changed"] is True


def test_an_installed_package_has_no_commit(package):
    """Neither outside of git, nor below somebody else's checkout, nor in an empty one."""
    assert set(code_version(package)) == {"version"}
    git(package.parent.parent, "init", "-q")
    assert set(code_version(package)) == {"version"}
    git(package.parent, "init", "-q")
    assert set(code_version(package)) == {"version"}


def test_versions_are_of_the_running_software():
    import numpy as np

    found = software_versions()
    assert found["numpy"] == np.__version__
    assert "python" in found


def test_absent_packages_are_left_out(monkeypatch):
    monkeypatch.setattr("dcrdf.results.machine.PACKAGES", ("no-such-package-here",))
    assert list(software_versions()) == ["python"]
