"""The machine that a step ran on and the code and software it ran, as far as is told at once."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]


PACKAGES = (
    "dcrdf",
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "pandas",
    "opencv-python-headless",
    "tifffile",
    "imagecodecs",
    "h5py",
    "pydantic",
    "safetensors",
    "snakemake",
)


def software_versions() -> dict[str, str]:
    """Python's and the installed packages' versions; a package that is absent is left out."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """System, processor, number of CPUs and the names of NVIDIA GPUs."""
    return {
        "system": platform.platform(),
        "processor": processor_name(),
        "cpus": os.cpu_count(),
        "gpus": gpu_names(),
    }


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's model where Linux tells it, else its architecture."""
    named = _field(cpuinfo, "model name") or platform.processor()
    return named or platform.machine()


def gpu_names(folder: Path = Path("/proc/driver/nvidia/gpus")) -> list[str]:
    """The models of the NVIDIA GPUs that the driver shows; asks neither torch nor the device."""
    names = (_field(path, "Model") for path in sorted(folder.glob("*/information")))
    return [name for name in names if name]


def code_version(package: Path = PACKAGE) -> dict[str, Any]:
    """The package's version and, where it lies in a git checkout, commit and `changed`.

    `changed` says whether the package's files differ from the commit.
    """
    code: dict[str, Any] = {"version": version("dcrdf")}
    commit = _git(package.parent, "rev-parse", "HEAD")
    changes = _git(package.parent, "status", "--porcelain", "--", package.name)
    if commit is not None and changes is not None:
        code |= {"commit": commit, "changed": bool(changes)}
    return code


def _git(checkout: Path, *arguments: str) -> str | None:
    """What git prints, None where `checkout` is not the top of one or git does not answer.

    The top only: a package installed below some other project's checkout is not that project's.
    """
    git = shutil.which("git")
    if git is None or not (checkout / ".git").exists():
        return None
    options = ["--no-optional-locks", "-c", "core.fsmonitor=false", "-C", str(checkout)]
    try:
        answer = subprocess.run(  # noqa: S603 - fixed arguments
            [git, *options, *arguments], capture_output=True, text=True, timeout=5.0, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def _field(path: Path, name: str) -> str:
    """The first value of `name: value` in a file of such lines; empty when there is none."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    pairs = (line.partition(":") for line in lines)
    return next((value.strip() for key, _, value in pairs if key.strip() == name), "")
