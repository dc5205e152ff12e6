"""Changes lines of the package one at a time and asks whether the tests notice.

Each mutant of `catalogue.toml` names the tests that ought to fail. They run on a copy of the
package with that one change, in a process for which others' libraries are loaded already.
"""

import ast
import contextlib
import io
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
AT_ONCE = 2
LOADED_ONCE = ["cv2", "h5py", "pydantic", "pytest", "scipy.ndimage", "torch"]
"""What most tests need of others' code: loading it takes longer than the tests."""
PASSED, FAILED = 0, 1
"""pytest's exit codes; others say that the tests could not be run."""


class Mutant(NamedTuple):
    """One change of one file below the package, and the tests that must notice it."""

    what: str
    file: str
    old: str
    new: str
    tests: list[str]

    def applied_to(self, text: str) -> str:
        """The file's text with the change; ValueError unless the old text is there just once,
        SyntaxError where the new one is no Python: that is nothing a test has to notice."""
        count = text.count(self.old)
        if count != 1:
            raise ValueError(f"{self.what}: its text is {count} times in {self.file}")
        changed = text.replace(self.old, self.new)
        ast.parse(changed)
        return changed


class Outcome(NamedTuple):
    """What pytest said of the tests, and how long it took."""

    code: int
    output: str
    seconds: float


def read_catalogue() -> list[Mutant]:
    """All mutants."""
    values = tomllib.loads((HERE / "catalogue.toml").read_text())
    return [Mutant(**entry) for entry in values["mutant"]]


def outcome_of(tests: list[str], mutant: Mutant | None) -> Outcome:
    """Run the tests on a copy of the package, with the mutation if there is one; in a process that
    has not loaded the package yet."""
    import pytest

    started, output = time.monotonic(), io.StringIO()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        package = Path(folder) / "dcrdf"
        shutil.copytree(ROOT / "dcrdf", package, ignore=shutil.ignore_patterns("__pycache__"))
        if mutant is not None:
            path = package / mutant.file
            path.write_text(mutant.applied_to(path.read_text()))
        os.environ["PYTHONPATH"] = folder
        sys.path.insert(0, folder)
        os.chdir(ROOT)
        options = ["-x", "-q", "-p", "no:cacheprovider", "--rootdir", str(ROOT)]
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            code = pytest.main([*options, *(f"tests/{test}" for test in tests)])
        tested = Path(sys.modules["dcrdf"].__file__ or "")
        assert tested.is_relative_to(folder), f"{tested} was tested"
    return Outcome(int(code), output.getvalue(), time.monotonic() - started)


def main(words: list[str]) -> int:
    """Run the mutants whose description holds one of the words, or all; say what became of them.

    Returns 1 when a mutant survives, 2 when the tests fail without any mutation or no mutant is
    meant.
    """
    mutants = [m for m in read_catalogue() if not words or any(word in m.what for word in words)]
    if not mutants:  # pytest without tests named would run them all
        print(f"no mutant says {' or '.join(words)}")
        return 2
    for mutant in mutants:  # one that does not apply is told before any runs
        mutant.applied_to((ROOT / "dcrdf" / mutant.file).read_text())
    tests = sorted({test for mutant in mutants for test in mutant.tests})
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(LOADED_ONCE)
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    with ProcessPoolExecutor(AT_ONCE, processes, max_tasks_per_child=1) as pool:
        plain = pool.submit(outcome_of, tests, None).result()
        if plain.code != PASSED:
            print(plain.output)
            print("these tests fail without any mutation")
            return 2
        outcomes = pool.map(outcome_of, [mutant.tests for mutant in mutants], mutants)
        codes = [told(mutant, outcome) for mutant, outcome in zip(mutants, outcomes, strict=True)]
    killed = codes.count(FAILED)
    print(f"{killed} of {len(codes)} mutants killed")
    return 0 if killed == len(codes) else 1


def told(mutant: Mutant, outcome: Outcome) -> int:
    """Say what became of a mutant; pytest's exit code."""
    said = {PASSED: "SURVIVED", FAILED: "killed"}.get(outcome.code, f"pytest: {outcome.code}")
    print(f"{said:9} {outcome.seconds:5.1f} s  {mutant.what}", flush=True)
    if outcome.code not in (PASSED, FAILED):
        print(outcome.output)
    return outcome.code
