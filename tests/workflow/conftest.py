"""Running the real Snakefile on tiny scans."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

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


class Workflow:
    """A working copy of the workflow with its own configuration."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("Snakefile", "workflow", "profiles", "envs", "config.yaml"):
            (folder / name).symlink_to(ROOT / name)
        self.config = json.loads(json.dumps(TINY))

    def snakemake(self, *arguments, configured=True):
        """Run snakemake; returns the finished process."""
        if configured:
            (self.folder / "own.yaml").write_text(yaml.safe_dump(self.config, sort_keys=False))
            arguments = ("--configfile", "own.yaml", *arguments)
        return subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
            cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def run(self):
        """Run to the end; fails the test when the workflow fails."""
        result = self.snakemake()
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


@pytest.fixture(scope="session")
def finished_template(tmp_path_factory):
    """A finished tiny workflow; copy it, do not change it."""
    return tmp_path_factory.mktemp("finished") / "workflow"


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
    for name in ("Snakefile", "workflow", "profiles", "envs", "config.yaml"):
        (folder / name).unlink()
    return Workflow(folder)
