"""Imports point one way, light packages stay light, and stages know their versions."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "dcrdf"
BELOW = {
    "errors": set(),
    "workers": {"errors"},
    "files": {"errors"},
    "config": {"errors", "files"},
    "datasets": {"config", "files", "workers", "errors"},
    "preparation": {"datasets", "config", "files", "workers", "errors"},
    "anomalies": {"preparation", "datasets", "config", "files", "workers", "errors"},
    "networks": {"errors"},
    "metrics": {"errors"},
    "training": {"networks", "preparation", "anomalies", "config", "files", "errors"},
    "detectors": {
        "training", "networks", "anomalies", "preparation", "datasets", "config", "files", "errors",
    },
    "results": {"metrics", "preparation", "config", "files", "errors"},
    "report": {"results", "metrics", "config", "files", "errors"},
}  # fmt: skip
BELOW["cli"] = set(BELOW)
TORCH_PACKAGES = {"networks", "training", "detectors"}
MODULES = sorted(PACKAGE.rglob("*.py"))


def part_of(path):
    relative = path.relative_to(PACKAGE).parts
    return relative[0].removesuffix(".py")


def imported(path):
    """Full names of all modules that a file imports, at any depth."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    part = part_of(path)
    if part == "__init__":
        return
    for name in imported(path):
        pieces = name.split(".")
        if pieces[0] == "dcrdf" and len(pieces) > 1:
            assert pieces[1] == part or pieces[1] in BELOW[part], f"{part} imports {name}"
        if pieces[0] in ("torch", "torchvision", "safetensors"):
            assert part in TORCH_PACKAGES, f"{part} imports {name}"


def test_every_part_is_known():
    assert {part_of(path) for path in MODULES} - {"__init__"} == set(BELOW)


@pytest.mark.parametrize(
    "module",
    ["dcrdf", "dcrdf.cli", "dcrdf.config.plan", "dcrdf.config.workflow", "dcrdf.metrics",
     "dcrdf.results.tables", "dcrdf.results.evaluation", "dcrdf.report.page",
     "dcrdf.preparation.prepare", "dcrdf.anomalies.cache"],
)  # fmt: skip
def test_light_modules_bring_no_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_tables_bring_no_image_libraries():
    code = "import sys, dcrdf.results.tables; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not {"cv2", "h5py", "tifffile"} & set(run.stdout.split())


def test_detectors_are_declared_and_found():
    """Every declared detector can be built, and its options are a closed model."""
    from dcrdf.config.detectors import DETECTORS
    from dcrdf.detectors.base import build_detector
    from dcrdf.networks.teacher import Teacher

    for name, info in DETECTORS.items():
        assert info.options.model_config["extra"] == "forbid"
        assert info.presets
        build_detector(name, Teacher("resnet18"), info.options())
