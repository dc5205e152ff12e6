"""Running the real Snakefile on tiny scans."""

import atexit
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from . import warm

ROOT = Path(__file__).parents[2]
TINY = {
    "dataset": {"name": "tiny", "root": "scans", "categories": ["a", "b"]},
    "prepare": {"image_size": 64},
    "pseudo": {"variants": 1},
    "teacher": {"name": "efficientnet_lite0", "weights": "package"},
    "train": {"epochs": 1, "batch_size": 4, "cpu_threads": 1},
    "infer": {"cpu_threads": 1},
    "evaluate": {"sizes": ["network"], "limits": [0.3]},
    "runs": {"bank": {"detector": "memory_bank", "preset": "default"}},
}
WHOLE_CHAIN = TINY | {
    "dataset": {
        "name": "tiny", "root": "data/tiny", "categories": ["cracker"],
        "synthetic": {
            "image_size": 64, "train": 4, "validation": 3, "test_good": 2, "test_per_defect": 1,
        },
    },
    "train": {"epochs": 6, "batch_size": 2, "cpu_threads": 1},
    "runs": {"net": {"detector": "dcrdf_net", "preset": "paper"}},
}  # fmt: skip
"""Every step but `download`, in one category."""
PATHS = f"{ROOT / 'tests' / 'clock'}:{ROOT}"
"""Where Python looks first. Trainings save a state after every epoch."""
PARTS = ("Snakefile", "workflow", "profiles", "envs", "config.yaml")


class Workflow:
    """A working copy of the workflow with its own configuration."""

    def __init__(self, folder, config=TINY):
        self.folder = folder
        for name in PARTS:
            (folder / name).symlink_to(ROOT / name)
        self.config = json.loads(json.dumps(config))
        self.python = sys.executable
        self.environment = os.environ | {"PYTHONPATH": PATHS, "CLOCK_FACTOR": "1e6"}

    def command(self, *arguments, configured=True):
        """Snakemake's, after writing the configuration."""
        chosen = []
        if configured:
            (self.folder / "own.yaml").write_text(yaml.safe_dump(self.config, sort_keys=False))
            chosen = ["--configfile", "own.yaml"]
        return [self.python, "-m", "snakemake", *chosen, "--cores", "2", *arguments]

    def snakemake(self, *arguments, configured=True):
        """Run snakemake; returns the finished process."""
        command = self.command(*arguments, configured=configured)
        if "-n" in arguments and self.is_usual:
            return self.warm_snakemake(command)
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    @property
    def is_usual(self):
        """Whether it is this very code in this very environment, which may be imported already."""
        return (self.python, self.environment["PYTHONPATH"]) == (sys.executable, PATHS)

    def warm_snakemake(self, command):
        """The same by processes that have imported Snakemake and the steps (`warm.py`)."""
        environment = self.environment | {"DCRDF_WARM": warm_socket()}
        call = {"program": "snakemake", "arguments": command[3:], "folder": str(self.folder)}
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            streams = [out.fileno(), err.fileno()]
            code = warm.ask(warm_socket(), call | {"environment": environment}, streams)
            texts = []
            for stream in (out, err):
                stream.seek(0)
                texts.append(stream.read())
        return subprocess.CompletedProcess(command, code, *texts)

    def start(self, *arguments):
        """Start snakemake in a process group of its own; its output goes to snakemake.log."""
        with (self.folder / "snakemake.log").open("wb") as log:
            return subprocess.Popen(
                self.command(*arguments), cwd=self.folder, env=self.environment,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def steps(self, name):
        """The processes of a step that run in this folder, workers left out."""
        return [int(path.name) for path in Path("/proc").iterdir() if self._is_step(path, name)]

    def _is_step(self, process, name):
        try:
            arguments = (process / "cmdline").read_text().split("\0")
            is_ours = (process / "cwd").samefile(self.folder)
        except (OSError, UnicodeDecodeError):
            return False
        return is_ours and name in arguments and arguments[1].endswith("/dcrdf")

    def run(self):
        """Run to the end; fails the test when the workflow fails."""
        result = self.warm_snakemake(self.command()) if self.is_usual else self.snakemake()
        assert result.returncode == 0, result.stderr[-3000:]
        return result

    def planned(self, *arguments):
        """The jobs of a dry run: rule -> number, without `all`."""
        result = self.snakemake("-n", *arguments)
        assert result.returncode == 0, result.stderr[-3000:]
        table = re.search(r"job +count\n-+ +-+\n(.*?)\ntotal", result.stdout + result.stderr, re.S)
        if table is None:
            return {}
        counts = dict(line.split() for line in table[1].splitlines())
        return {rule: int(count) for rule, count in counts.items() if rule != "all"}

    @property
    def results(self):
        return self.folder / "results" / "tiny"


@functools.cache
def warm_socket():
    """Where calls are answered, by a process that ends with this one, which closes its input."""
    path = f"{tempfile.mkdtemp()}/socket"
    server = subprocess.Popen(
        [sys.executable, warm.__file__, path], env=os.environ | {"PYTHONPATH": PATHS},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout.readline() == "ready\n"
    atexit.register(server.__exit__, None, None, None)  # closes its input and waits
    atexit.register(shutil.rmtree, Path(path).parent)
    return path


@pytest.fixture(scope="session")
def finished_template(tmp_path_factory):
    """A finished tiny workflow; copy it, do not change it."""
    return tmp_path_factory.mktemp("finished") / "workflow"


@pytest.fixture
def new_workflow():
    """Makes a working copy of the workflow in a folder that is there."""
    return Workflow


@pytest.fixture
def workflow(tmp_path, make_scans):
    """A fresh workflow with scans and no results."""
    make_scans(tmp_path / "scans")
    return Workflow(tmp_path)


@pytest.fixture
def finished(finished_template, make_scans, tmp_path):
    """A copy of a finished workflow, made once per session."""
    if not finished_template.exists():
        finished_template.mkdir()
        make_scans(finished_template / "scans")
        Workflow(finished_template).run()
    folder = tmp_path / "copy"
    shutil.copytree(finished_template, folder, symlinks=True)
    return reopened(folder)


def reopened(folder, config=TINY):
    """A workflow in the copy of another's folder."""
    for name in PARTS:
        (folder / name).unlink()
    return Workflow(folder, config)


@pytest.fixture(scope="session")
def whole_template(tmp_path_factory):
    """A finished workflow of all steps but `download`; copy it, do not change it."""
    workflow = Workflow(tmp_path_factory.mktemp("whole"), WHOLE_CHAIN)
    workflow.run()
    return workflow


@pytest.fixture
def copy_of_whole(whole_template, tmp_path):
    """Makes copies of the finished workflow of all steps."""

    def copy(name="copy"):
        folder = tmp_path / name
        shutil.copytree(whole_template.folder, folder, symlinks=True)
        return reopened(folder, WHOLE_CHAIN)

    return copy
