"""What the workflow is given is refused in one line where a file on its own is."""

import inspect
from types import SimpleNamespace

import pytest
import yaml

from dcrdf.config.resolve import parse_config
from dcrdf.config.workflow import plan_of, print_warnings, wake_only_when_held_back
from dcrdf.config.yaml_file import read_yaml
from dcrdf.errors import UserError


@pytest.mark.parametrize("door", ["file", "workflow"])
def test_aliases_that_repeat_one_another_are_refused(minimal, tmp_path, door, capsys):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(minimal) + "\n".join(lines))
    if door == "file":
        with pytest.raises(UserError, match="holds too much; do its aliases repeat"):
            parse_config(read_yaml(path))
        return
    with pytest.raises(SystemExit):
        plan_of(yaml.safe_load(path.read_text()), [path])
    error = capsys.readouterr().err
    assert "holds too much; do its aliases repeat" in error
    assert error.count("\n") == 1


def test_the_workflow_names_a_key_that_is_there_twice(minimal, tmp_path, capsys):
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(minimal) + "seeds: [1]\nseeds: [2]\n")
    with pytest.raises(SystemExit):
        plan_of(yaml.safe_load(path.read_text()), [str(path)])
    assert "own.yaml: not valid YAML: the key 'seeds' is there twice" in capsys.readouterr().err


@pytest.mark.parametrize(("free_jobs", "looks"), [(100, []), (1, []), (0, [7])])
def test_the_scheduler_looks_again_where_its_rate_limit_holds_jobs_back(free_jobs, looks):
    asked = []
    limiter = SimpleNamespace(get_free_jobs=lambda: free_jobs)
    scheduler = SimpleNamespace(job_rate_limiter=limiter, _schedule_reevalutation=asked.append)
    wake_only_when_held_back(SimpleNamespace(scheduler=scheduler))
    scheduler._schedule_reevalutation(7)
    assert asked == looks


def test_the_scheduler_still_wakes_itself_for_ever():
    """When this fails, Snakemake has changed: see whether `wake_only_when_held_back` can go."""
    from snakemake.scheduling.job_scheduler import JobRateLimiter, JobScheduler

    assert "self._schedule_reevalutation(" in inspect.getsource(JobScheduler.schedule)
    assert "threading.Timer(" in inspect.getsource(JobScheduler._schedule_reevalutation)
    assert callable(JobRateLimiter.get_free_jobs)


def test_warnings_are_shown_a_line_each(capsys):
    print_warnings(["nut: one", "nut: two"])
    assert capsys.readouterr().err == "dcrdf: warning: nut: one\ndcrdf: warning: nut: two\n"
