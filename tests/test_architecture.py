"""Imports point one way, light packages stay light, and stages know their versions."""

import ast
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "dcrdf"
BASE = {"errors", "modalities", "files", "workers", "config"}
BELOW = {
    "errors": set(),
    "modalities": set(),
    "workers": {"errors"},
    "files": {"errors"},
    "config": {"errors", "files", "modalities"},
    "datasets": BASE,
    "preparation": {"datasets", *BASE},
    "checks": {"preparation", "datasets", *BASE},
    "anomalies": {"preparation", "datasets", *BASE},
    "networks": {"errors"},
    "metrics": {"errors"},
    "scans": {"preparation", *BASE},
    "judging": {"scans", "preparation", "datasets", *BASE},
    "runtime": {"judging", "scans", "preparation", *BASE},
    "tensors": {"scans", "preparation", *BASE},
    "training": {"tensors", "networks", "anomalies", "preparation", *BASE},
    "detectors": {"training", "tensors", "networks", *BASE},
    "scoring": {"detectors", "tensors", "judging", "scans", "preparation", *BASE},
    "models": {
        "scoring", "detectors", "training", "tensors", "networks", "judging", "preparation",
        "datasets", *BASE,
    },
    "export": {"models", "scoring", "detectors", "tensors", "runtime", "judging", "scans",
               "preparation", *BASE},
    "robustness": {"models", "scoring", "judging", "tensors", "preparation", "datasets", *BASE},
    "results": {"metrics", "preparation", *BASE},
    "report": {"results", "metrics", *BASE},
    "watch": {"errors", "files", "modalities"},  # a folder, lines, charts: of detectors nothing
}  # fmt: skip
"""Room -> the rooms that it may import; docs/architecture.md draws them."""
BELOW["cli"] = set(BELOW)
TORCH_PACKAGES = {
    "tensors", "networks", "training", "detectors", "scoring", "models", "robustness", "export",
}  # fmt: skip
RUNTIME_PACKAGES = {"runtime", "export", "cli"}
"""Which may import onnxruntime; a trained model is scored without."""
MODULES = sorted(PACKAGE.rglob("*.py"))


def part_of(path):
    relative = path.relative_to(PACKAGE).parts
    return relative[0].removesuffix(".py")


def imported(path):
    """Full names of all modules that a file imports, at any depth, and of what it takes from them:
    `from dcrdf import cli` brings a module, too."""
    yield from imports_in(path.read_text())


def imports_in(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import of {node.module}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_modules_that_come_by_another_way_are_seen():
    text = "from dcrdf import cli\nimport torch.nn\ndef f():\n    from a.b import c as d, e"
    assert list(imports_in(text)) == ["dcrdf.cli", "torch.nn", "a.b.c", "a.b.e"]


def test_imports_point_one_way():
    for path in MODULES:
        part = part_of(path)
        if part == "__init__":
            continue
        for name in imported(path):
            pieces = name.split(".")
            if pieces[0] == "dcrdf" and len(pieces) > 1:
                assert pieces[1] == part or pieces[1] in BELOW[part], f"{path} imports {name}"
            if pieces[0] in ("torch", "torchvision", "safetensors"):
                assert part in TORCH_PACKAGES, f"{path} imports {name}"
            if pieces[0] == "onnxruntime":
                assert part in RUNTIME_PACKAGES, f"{path} imports {name}"


def test_no_room_is_above_itself():
    """What a room imports never leads back to it."""
    for room, below in BELOW.items():
        reached, waiting = set(), list(below)
        while waiting:
            one = waiting.pop()
            if one not in reached:
                reached.add(one)
                waiting += BELOW[one]
        assert room not in reached


METHOD_NAMES = re.compile(
    r"dcrdf_net|memory_bank|cm_segf|gfrn|DcrdfNet|MemoryBank"
    r"|CrdNet|CrdOptions|AmplifiedDecoder|flow_?distillation|ConditionalFlow"
    r"|detectors[./]resilient|ResilientOptions|resilient:",
    re.IGNORECASE,
)
"""But `crd`, which is a preparation's name, too."""


def is_a_methods_own(path):
    """Its folder in `detectors`, its entry in the registry, or the page of the configuration."""
    parts = path.relative_to(PACKAGE).parts
    in_folder = parts[0] == "detectors" and len(parts) > 2
    return in_folder or parts[:2] in {("config", "detectors"), ("config", "describe.py")}


def test_no_method_is_named_outside_its_folder_and_its_entry():
    named = {
        str(path.relative_to(PACKAGE)): sorted(set(METHOD_NAMES.findall(code_of(path))))
        for path in MODULES
        if not is_a_methods_own(path)
    }
    assert {path: names for path, names in named.items() if names} == {}


def test_methods_do_not_know_each_other():
    shared, contract = {"reverse_distillation", "patch_bank"}, {"base", "maps"}
    for path in MODULES:
        parts = path.relative_to(PACKAGE).parts
        if parts[0] != "detectors" or len(parts) < 3:
            continue
        for name in imported(path):
            pieces = name.split(".")
            if pieces[:2] == ["dcrdf", "detectors"]:
                assert pieces[2] in {parts[1], *shared, *contract}, f"{path} imports {name}"


def code_of(path):
    """A module's text without docstrings and comments."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if hasattr(node, "body") and isinstance(node.body, list):
            node.body = [x for x in node.body if not is_text_alone(x)] or [ast.Pass()]
    return ast.unparse(tree)


def is_text_alone(node):
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def test_modalities_are_compared_by_their_constants():
    """Their names as text stand in one module. (What a pseudo-anomaly changes has names, too.)"""
    for path in MODULES:
        if part_of(path) == "anomalies":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                texts = [
                    x.value for x in (node.left, *node.comparators) if isinstance(x, ast.Constant)
                ]
                assert not {"rgb", "depth"} & {x for x in texts if isinstance(x, str)}, path


def test_every_part_is_known():
    assert {part_of(path) for path in MODULES} - {"__init__"} == set(BELOW)


@pytest.mark.parametrize(
    "module",
    ["dcrdf", "dcrdf.cli", "dcrdf.config.plan", "dcrdf.config.workflow", "dcrdf.metrics",
     "dcrdf.results.tables", "dcrdf.results.evaluation", "dcrdf.report.page",
     "dcrdf.preparation.prepare", "dcrdf.anomalies.cache", "dcrdf.judging.judge",
     "dcrdf.runtime.exported"],
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


def test_every_fusion_that_is_offered_is_there():
    from dcrdf.config.detectors import DETECTORS
    from dcrdf.config.detectors.base import CROSSMODAL_FUSIONS, FIXED_FUSIONS
    from dcrdf.scoring.fusions import FUSIONS

    assert set(FUSIONS) == FIXED_FUSIONS | CROSSMODAL_FUSIONS
    for info in DETECTORS.values():
        assert info.options().fusions() - set(FUSIONS) <= {
            "cm_segf",
            "joint",
        }  # maps it fuses itself


def test_the_picture_of_the_rooms_is_the_codes():
    """`python docs/make_architecture.py` draws it anew."""
    docs = PACKAGE.parent / "docs"
    drawing = runpy.run_path(str(docs / "make_architecture.py"))
    picture = drawing["picture"](drawing["rooms_and_imports"]())
    assert (docs / "architecture.svg").read_text() == picture
