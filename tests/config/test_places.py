"""Outputs' folders that cannot be are named before anything runs."""

import pytest

from dcrdf.config.workflow import plan_of as workflow_plan
from dcrdf.errors import UserError


@pytest.mark.parametrize("key", ["results", "data"])
@pytest.mark.parametrize("below", ["", "/deep/er"])
def test_files_where_folders_go(plan_of, minimal, tmp_path, key, below):
    minimal["dataset"]["categories"] = ["flange"]
    (tmp_path / "taken").touch()
    minimal[key] = f"{tmp_path}/taken{below}"
    with pytest.raises(UserError, match=f"config: {key}: .*/taken is a file, not a folder"):
        plan_of(minimal).check()
    (tmp_path / "taken").unlink()
    plan_of(minimal).check()
    (tmp_path / "taken").symlink_to(tmp_path / "gone")
    with pytest.raises(UserError, match=f"config: {key}: .*/taken is a link to what is not there"):
        plan_of(minimal).check()


def test_a_file_named_like_the_data_set_in_results(plan_of, minimal, tmp_path):
    minimal["dataset"]["categories"] = ["flange"]
    minimal["results"] = str(tmp_path)
    (tmp_path / "tiny").touch()
    with pytest.raises(UserError, match="config: results: .*/tiny is a file"):
        plan_of(minimal).check()


@pytest.mark.parametrize("below", ["", "/results", "/../scans/results"])
def test_results_among_the_scans(plan_of, minimal, tmp_path, below):
    minimal["dataset"] |= {"root": f"{tmp_path}/scans", "categories": ["flange"]}
    minimal["results"] = f"{tmp_path}/scans{below}"
    with pytest.raises(UserError, match=r"config: results: .* lies in dataset\.root"):
        plan_of(minimal).check()
    minimal["results"] = f"{tmp_path}/scans results"
    plan_of(minimal).check()


def test_the_workflow_says_it_in_one_line(minimal, tmp_path, capsys):
    (tmp_path / "taken").touch()
    minimal["dataset"]["categories"] = ["flange"]
    with pytest.raises(SystemExit) as caught:
        workflow_plan(minimal | {"results": str(tmp_path / "taken")})
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("dcrdf: error: config: results: ")
