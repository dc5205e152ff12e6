"""Every mutant of `tests/mutants` still has its line and its tests; `make mutants` runs them."""

import ast
import runpy
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
MUTANTS = runpy.run_path(str(TESTS / "mutants" / "mutants.py"))["read_catalogue"]()


def test_descriptions_are_their_names():
    assert len({mutant.what for mutant in MUTANTS}) == len(MUTANTS) >= 35


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_a_mutant_applies_and_its_tests_exist(mutant):
    text = (TESTS.parent / "dcrdf" / mutant.file).read_text()
    changed = mutant.applied_to(text)
    assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(text))
    assert mutant.tests
    for test in mutant.tests:
        file, _, function = test.partition("::")
        functions = ast.parse((TESTS / file).read_text()).body
        names = {one.name for one in functions if isinstance(one, ast.FunctionDef)}
        assert not function or function.partition("[")[0] in names, test
