"""A stage's code cannot change without somebody deciding whether its outputs do.

`stage_code.json` holds, for every stage, its version and a digest of the code that its output
depends on. Run as a program, this file writes it anew.
"""

import ast
import functools
import hashlib
import json
import shutil
from pathlib import Path

import pytest

from dcrdf.config.stages import STAGE_VERSIONS

PACKAGE = Path(__file__).parents[1] / "dcrdf"
ACCEPTED = Path(__file__).with_name("stage_code.json")

SCAN_FILES = ("files/digests.py", "files/images.py", "files/limits.py", "files/masks.py",
              "files/orientation.py", "files/png.py", "files/remarks.py",
              "files/tiff.py")  # fmt: skip
PREPARED = ("preparation/layout.py", "preparation/store.py")
MAPS_BESIDE_IMAGES = ("results/job.py", "results/maps.py", "results/native.py",
                      "preparation/resize.py", *PREPARED)  # fmt: skip
TABLES = ("cli/jobs.py", "results/*.py", "results/published/*", "!results/difference.py",
          "!results/evaluation.py", "!results/job.py", "!results/native.py",
          "!results/record.py", "!results/sources.py")  # fmt: skip

DETECTORS = ("detectors/**/*.py", "networks/**/*.py", "tensors/*.py", "modalities.py",
             "scans/arrays.py", "scans/prepared.py")  # fmt: skip
SCORED = ("scoring/**/*.py", "scans/*.py", "judging/prediction.py", "judging/usual_scans.py",
          "judging/gauges.py")  # fmt: skip
STAGE_CODE = {
    "download": ("cli/download.py", "datasets/download.py", "files/archives.py", "files/fetch.py"),
    "synthesize": ("cli/synthesize.py", "datasets/synthetic/**/*.py", *SCAN_FILES),
    "prepare": (
        "cli/prepare.py", "datasets/*.py", "preparation/*.py", "files/hdf5.py", *SCAN_FILES,
        "!datasets/download.py", "!preparation/store.py",
    ),
    "pseudo": (
        "cli/pseudo.py", "anomalies/*.py", "preparation/writer.py", "files/hdf5.py", *PREPARED,
        *SCAN_FILES, "!anomalies/sheet.py",
    ),
    "train": (
        "cli/train.py", "anomalies/cache.py", "models/checkpoint.py", "training/*.py",
        "files/digests.py", *DETECTORS, *PREPARED,
    ),
    "infer": (
        "cli/infer.py", "models/checkpoint.py", "models/deploy.py", *SCORED,
        "training/features.py", "results/maps.py", "metrics/inputs.py", "metrics/threshold.py",
        *DETECTORS, *PREPARED,
    ),
    "robustness": (
        "cli/robustness.py", "datasets/*.py", "robustness/*.py", "models/*.py", *SCORED,
        "judging/judge.py",
        "training/features.py", "metrics/*.py", "!metrics/multiplicity.py",
        "results/robustness.py", "preparation/*.py",
        *DETECTORS, *SCAN_FILES, "!datasets/download.py", "!preparation/prepare.py",
        "!preparation/store.py", "!preparation/summary.py", "!preparation/writer.py",
        "!preparation/layout.py", "!preparation/decisions.py", "!preparation/samples.py",
    ),
    "evaluate": (
        "cli/evaluate.py", "metrics/*.py", "!metrics/multiplicity.py", "results/evaluation.py",
        *MAPS_BESIDE_IMAGES,
    ),
    "resample": ("cli/resample.py", "metrics/*.py", "!metrics/multiplicity.py",
                 "results/resamples.py", "files/digests.py", *MAPS_BESIDE_IMAGES),
    "aggregate": ("cli/aggregate.py", "metrics/intervals.py", "metrics/multiplicity.py", *TABLES,
                  "!results/maps.py"),
    "report": ("cli/report.py", "report/**/*", "metrics/*.py", *TABLES, *PREPARED,
               "!results/interval_table.py", "!results/latex.py", "!results/tables.py"),
}  # fmt: skip
"""Stage -> the files below the package that its output depends on; `!` takes some out again."""

NO_STAGE = (
    "__init__.py", "errors.py", "py.typed", "workers.py",
    "config/**/*.py",  # its values are in the stages' records
    "files/__init__.py", "files/atomic.py", "files/contents.py", "files/formats.py",
    "files/jsonfile.py", "files/locks.py", "files/score_rows.py", "watch/*.py",
    "cli/__init__.py", "cli/__main__.py", "cli/common.py", "cli/device.py",
    "cli/check.py", "checks/*.py", "cli/clean.py",
    "cli/contact_sheet.py", "anomalies/sheet.py",
    "cli/diff.py", "results/difference.py", "cli/plan.py", "cli/own_scans.py",
    "cli/predict.py", "cli/score_table.py", "cli/judging.py", "cli/watch.py", "cli/line.py",
    "judging/__init__.py", "judging/description.py", "judging/thresholds.py", "judging/verdict.py",
    "runtime/*.py", "export/*.py", "cli/export.py", "cli/threshold.py",
    "cli/workflow.py", "cli/published.py", "results/record.py", "results/sources.py",
)  # fmt: skip
"""Files that no output depends on."""


def files_of(patterns, package=PACKAGE):
    """The files that match a stage's patterns, sorted."""
    chosen, excluded = set(), set()
    for pattern in patterns:
        into = excluded if pattern.startswith("!") else chosen
        into.update(package.glob(pattern.removeprefix("!")))
    return sorted(
        path for path in chosen - excluded if path.is_file() and "__pycache__" not in path.parts
    )


def digest_of_code(paths, package=PACKAGE):
    """One digest of files: of Python what it does, of all others their bytes."""
    found = [
        [path.relative_to(package).as_posix(), digest_of_python(path.read_text())
         if path.suffix == ".py" else hashlib.sha256(path.read_bytes()).hexdigest()]
        for path in paths
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()[:16]


@functools.cache
def digest_of_python(text):
    """The same for sources that differ in comments, docstrings and layout only."""
    return hashlib.sha256(json.dumps(plain(ast.parse(text))).encode()).hexdigest()


def plain(node):
    """A syntax tree as lists of text. Empty fields are left out: each Python has its own."""
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if name != "kind")
        return [
            type(node).__name__,
            *([name, plain(x)] for name, x in fields if x not in (None, [])),
        ]
    if isinstance(node, list):
        return [plain(one) for one in node if not is_text_alone(one)]
    return repr(node)


def is_text_alone(node):
    """Whether a statement is a string: a docstring, of whatever."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def current():
    """Stage -> its version and the digest of its code as they are now."""
    return {
        stage: {"version": version, "digest": digest_of_code(files_of(STAGE_CODE[stage]))}
        for stage, version in STAGE_VERSIONS.items()
    }


@pytest.mark.parametrize("stage", list(STAGE_VERSIONS))
def test_code_changes_only_with_a_decision(stage):
    accepted, now = json.loads(ACCEPTED.read_text()).get(stage), current()[stage]
    assert now == accepted, (
        f"the code of stage {stage!r} or its version changed: if the stage's outputs change, bump"
        f" STAGE_VERSIONS[{stage!r}] in dcrdf/config/stages.py; then run `make accept-stages`"
    )


def test_every_file_belongs_to_a_stage_or_to_none():
    """A new module must be given a place above."""
    placed = {path for patterns in STAGE_CODE.values() for path in files_of(patterns)}
    outside = set(files_of(NO_STAGE))
    assert set(files_of(["**/*"])) - placed - outside == set()
    assert placed & outside == set()


def test_every_pattern_finds_something():
    patterns = [pattern for stage in STAGE_CODE.values() for pattern in stage]
    for pattern in {*patterns, *NO_STAGE}:
        assert files_of([pattern.removeprefix("!")]), pattern


def test_every_stage_is_known():
    assert set(STAGE_CODE) == set(STAGE_VERSIONS) == set(json.loads(ACCEPTED.read_text()))


SOURCE = '''"""Doc."""
SCALE = 2.0
"""What it is."""


def scaled(x, y=None):
    """Doc."""
    return SCALE * x, "kept"  # why
'''


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ('"""Doc."""', '"""Other."""', True),
        ('    """Doc."""\n', "", True),
        ('"""What it is."""', "# What it is.", True),
        ("  # why", "", True),
        ("SCALE * x", "(SCALE\n            * x)", True),
        ('"kept"', "'kept'", True),
        ("2.0", "2.5", False),
        ("2.0", "2", False),
        ("SCALE * x", "x * SCALE", False),
        ('"kept"', '"lost"', False),
        ("y=None", "y", False),
        ("y=None", "y=0", False),
    ],
)
def test_digest_sees_what_code_does_alone(old, new, same):
    assert old in SOURCE
    changed = SOURCE.replace(old, new)
    assert (digest_of_python(changed) == digest_of_python(SOURCE)) == same


def test_a_changed_or_new_module_changes_its_stages_alone(tmp_path):
    package = tmp_path / "dcrdf"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))

    def digests():
        return {
            name: digest_of_code(files_of(x, package), package) for name, x in STAGE_CODE.items()
        }

    def changed():
        return {name for name, digest in digests().items() if digest != before[name]}

    before = digests()
    assert {name: one["digest"] for name, one in current().items()} == before
    with (package / "anomalies" / "perlin.py").open("a") as file:
        file.write("\nEXTRA = 1\n")
    assert changed() == {"pseudo"}
    (package / "networks" / "another.py").write_text("")
    assert changed() == {"pseudo", "train", "infer", "robustness"}
    with (package / "report" / "templates" / "style.css").open("a") as file:
        file.write(" ")
    assert changed() == {"pseudo", "train", "infer", "robustness", "report"}


def accept():
    """Write what is now, and say what that changes."""
    before = json.loads(ACCEPTED.read_text()) if ACCEPTED.exists() else {}
    after = current()
    for stage, now in after.items():
        if now != before.get(stage):
            old = before.get(stage, {}).get("version")
            kept = "outputs unchanged" if old == now["version"] else f"was {old}"
            print(f"{stage}: version {now['version']} ({kept})")
    ACCEPTED.write_text(json.dumps(after, indent=2) + "\n")


if __name__ == "__main__":
    accept()
