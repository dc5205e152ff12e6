"""Good, defective, not judged: never one for another."""

import numpy as np
import pytest

from dcrdf.errors import UserError
from dcrdf.judging.verdict import Verdict

REASON = "its colour image is too dark"


def verdict(score=1.0, threshold=2.0, **more):
    unusual = {"rgb": 1.0, "depth": 1.25} | more.pop("unusual", {})
    return Verdict(score, threshold, np.zeros((2, 2), np.float32), 0.5, {}, unusual, **more)


@pytest.mark.parametrize(("score", "word"), [(1.0, "good"), (2.0, "good"), (2.1, "defective")])
def test_the_threshold_decides(score, word):
    found = verdict(score)
    assert found.word == word
    assert found.is_defective == (word == "defective")
    assert found.remark == ""


@pytest.mark.parametrize("score", [1.0, 3.0])
def test_what_is_not_judged_is_neither(score):
    found = verdict(score, not_judged=REASON, unusual={"rgb": 3.0})
    assert found.word == "not judged"
    assert found.remark == f"not judged: {REASON}"
    with pytest.raises(UserError, match=f"not judged: {REASON}"):
        _ = found.is_defective


def test_what_is_judged_anyway_says_so():
    found = verdict(doubt=REASON)
    assert (found.word, found.is_defective) == ("good", False)
    assert found.remark == f"judged anyway: {REASON}"


def test_an_unusual_modality_is_remarked_on():
    remark = verdict(unusual={"rgb": 1.26}).remark
    assert remark.startswith("rgb is as a whole 1.26 times as unusual as on any good part")
    assert "depth" not in remark
