"""Changes lines of the package one at a time and asks whether the tests notice.

`python tests/mutants [WORD ...]` takes the mutants of `catalogue.toml` whose description holds one
of the words, or all, and runs the tests that ought to fail on a copy of the package. Exit code 1
when a mutant survives, 2 when those tests fail without any mutation.
"""

import ast
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
AT_ONCE = 2
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
    """Run the tests on a copy of the package, with the mutation if there is one."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        package = Path(folder) / "dcrdf"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "dcrdf", package, ignore=ignored)
        if mutant is not None:
            path = package / mutant.file
            path.write_text(mutant.applied_to(path.read_text()))
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider",
                   *(f"tests/{test}" for test in tests)]  # fmt: skip
        # The copy comes before the installed package; the folder of the call does not come at all.
        asked = {"PYTHONPATH": folder, "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **asked}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
    return Outcome(done.returncode, done.stdout + done.stderr, time.monotonic() - started)


def main(words: list[str]) -> int:
    """Run the chosen mutants and print what became of them."""
    mutants = [m for m in read_catalogue() if not words or any(word in m.what for word in words)]
    tests = sorted({test for mutant in mutants for test in mutant.tests})
    plain = outcome_of(tests, None)
    if plain.code != PASSED:
        print(plain.output)
        print("these tests fail without any mutation")
        return 2
    said = {PASSED: "SURVIVED", FAILED: "killed"}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = pool.map(lambda mutant: outcome_of(mutant.tests, mutant), mutants)
        codes = []
        for mutant, outcome in zip(mutants, outcomes, strict=True):
            result = said.get(outcome.code, f"pytest said {outcome.code}")
            print(f"{result:9} {outcome.seconds:5.1f} s  {mutant.what}", flush=True)
            if outcome.code not in said:
                print(outcome.output)
            codes.append(outcome.code)
    killed = codes.count(FAILED)
    print(f"{killed} of {len(codes)} mutants killed")
    return 0 if killed == len(codes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
