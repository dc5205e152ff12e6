"""Every kind of result file is refused in one line of the same form."""

import pytest

from dcrdf.errors import UserError
from dcrdf.results.checked import read_checked
from dcrdf.results.robustness import Robustness
from dcrdf.results.rows import Metrics


@pytest.mark.parametrize("model", [Metrics, Robustness])
@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        ("{", "Invalid JSON"),
        ("{}", "stage: Field required"),
        ('{"stage": {"stage": "x", "version": "1"}}', "stage.version: Input should be"),
    ],
)
def test_a_bad_file_is_named_with_its_field_and_what_to_do(tmp_path, model, contents, reason):
    path = tmp_path / "result.json"
    path.write_text(contents)
    with pytest.raises(UserError) as refused:
        read_checked(model, path, "dcrdf step")
    assert str(refused.value).startswith(f"{path}: {reason}")
    assert str(refused.value).endswith("; run `dcrdf step` again")


def test_an_absent_file_is_named_with_the_step_that_makes_it(tmp_path):
    with pytest.raises(UserError, match=r"none\.json: No such file.*; run `dcrdf step` first"):
        read_checked(Metrics, tmp_path / "none.json", "dcrdf step")
