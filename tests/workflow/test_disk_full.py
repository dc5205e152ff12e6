"""A disk that fills up during a step: one line, no half file, and on it goes when there is room."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("whole workflow")]

DATA, RESULTS = "data/tiny", "results/tiny"
JOB = f"{RESULTS}/net/cracker/seed0"
OWN = ("--config", "own.yaml", "--category", "cracker")
STEPS = {
    "synthesize": (
        ("DISK/data", "cracker", "--image-size", "64", "--train", "4", "--validation", "3",
         "--test-good", "2", "--test-per-defect", "1", "--processes", "2"),
        {"data": DATA},
    ),
    "prepare": ((*OWN, "--root", DATA, "--out", "DISK/out.h5"),
                {"out.h5": f"{RESULTS}/prepared/*.h5"}),
    "pseudo": ((*OWN, "--prepared", f"{RESULTS}/prepared/*.h5", "--out", "DISK/out.h5"),
               {"out.h5": f"{RESULTS}/variants/*.h5"}),
    "train": ((*OWN, "--prepared", f"{RESULTS}/prepared/*.h5", "--variants",
               f"{RESULTS}/variants/*.h5", "--out", "DISK/out"),
              {f"out/{name}": f"{RESULTS}/models/*/{name}"
               for name in ("weights.safetensors", "detector.json", "losses.csv")}),
    "infer": ((*OWN, "--model", f"{RESULTS}/models/*", "--prepared", f"{RESULTS}/prepared/*.h5",
               "--out", "DISK/out"),
              {f"out/{name}": f"{JOB}/{name}"
               for name in ("model/weights.safetensors", "model/detector.json", "maps.h5")}),
    "evaluate": ((*OWN, "--maps", f"{JOB}/maps.h5", "--prepared", f"{RESULTS}/prepared/*.h5",
                  "--dataset", "tiny", "--run-name", "net", "--out", "DISK/out.json"),
                 {"out.json": f"{JOB}/metrics.json"}),
    "aggregate": (("--config", "own.yaml", "--results", "DISK"),
                  {f"tables/{name}": f"{RESULTS}/tables/{name}"
                   for name in ("tidy.csv", "tables.md", "tables.tex")}),
    "report": (("--config", "own.yaml", "--results", "DISK"),
               {name: f"{RESULTS}/{name}" for name in ("report.html", "report/cracker.html")}),
}  # fmt: skip
"""Step -> its arguments, and its outputs on the disk with what they are in the undisturbed run."""
PAGE = 4096
QUICK = [("prepare", 0.6), ("train", 0.7), ("aggregate", 0.5)]
CASES = [(step, share) for step in STEPS for share in (0.1, 0.5, 0.9)]


class Disk:
    """A file system in memory whose size can be changed."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self._mount("size=1m")

    def _mount(self, options):
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            pytest.skip(f"a small disk cannot be mounted here: {result.stderr.strip()}")

    def resize(self, size_bytes):
        self._mount(f"remount,size={max(PAGE, size_bytes)}")

    def files(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*")
                      if path.is_file() and not path.is_symlink())  # fmt: skip

    def close(self):
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False)


@pytest.fixture
def disk(tmp_path):
    """A small disk; skips where nothing can be mounted."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = Disk(tmp_path / "disk")
    yield disk
    disk.close()


def expanded(argument, workflow, disk):
    """Globs of the workflow's folder and places on the disk as paths."""
    if "*" in argument:
        (argument,) = workflow.folder.glob(argument)
    return str(argument).replace("DISK", str(disk.folder))


def content(path):
    """The bytes of a file, or of every file of a folder by name."""
    if path.name == "detector.json":  # it holds the memory that the training took
        return json.loads(path.read_text()) | {"trained_on": None}
    if path.name == "report.html":  # it holds the sizes of the folders beside it
        return re.sub(r"<small>[^<]* in all</small>.*?</table>", "", path.read_text(), flags=re.S)
    if path.parent.name == "report":  # it holds where the model lies
        return re.sub(r'"model":"[^"]*"', "", path.read_text())
    if path.is_file():
        return path.read_bytes()
    return {
        str(one.relative_to(path)): one.read_bytes() for one in path.rglob("*") if one.is_file()
    }


def size_of(path):
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return sum(-(-one.stat().st_size // PAGE) * PAGE for one in files)


def is_whole(path, beside, expected):
    """Whether a file is that of the undisturbed run: steps of several outputs may get so far."""
    reference = expected if expected is not None and expected.is_file() else beside
    return reference.is_file() and content(reference) == content(path)


def fill_and_free(workflow, disk, step, share):
    arguments, outputs = STEPS[step]
    expected = {name: next(workflow.folder.glob(pattern)) for name, pattern in outputs.items()}
    command = ["dcrdf", step, *(expanded(one, workflow, disk) for one in arguments)]
    if step in ("aggregate", "report"):
        for name in ("net", "prepared", "models"):
            (disk.folder / name).symlink_to(workflow.folder / RESULTS / name)
        if step == "report":
            (disk.folder / "tables").symlink_to(workflow.folder / RESULTS / "tables")
    environment = workflow.environment | {
        "PATH": f"{Path(workflow.command()[0]).parent}:{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
    }

    def run():
        return subprocess.run(command, cwd=workflow.folder, env=environment, capture_output=True,
                              text=True, check=False)  # fmt: skip

    pages = sum(map(size_of, expected.values())) // PAGE
    disk.resize(int(share * pages) * PAGE)
    full = run()
    assert full.returncode == 2, full.stderr[-3000:]
    assert full.stderr.startswith("dcrdf: error: ")
    assert full.stderr.count("\n") == 1, full.stderr[-3000:]
    assert "No space left on device" in full.stderr
    assert str(disk.folder) in full.stderr
    reference = workflow.folder / RESULTS
    half = [name for name in disk.files()
            if not is_whole(disk.folder / name, reference / name, expected.get(name))
            and "tensorboard" not in name and name != "out/state.safetensors"]  # fmt: skip
    assert half == []

    disk.resize(500_000_000)
    again = run()
    assert again.returncode == 0, again.stderr[-3000:]
    for name, path in expected.items():
        assert content(disk.folder / name) == content(path), name
    assert not [name for name in disk.files() if ".part" in name]


@pytest.mark.parametrize(("step", "share"), QUICK)
def test_a_full_disk(whole_template, disk, step, share):
    fill_and_free(whole_template, disk, step, share)


@pytest.mark.slow
@pytest.mark.parametrize(("step", "share"), CASES)
def test_a_full_disk_at_any_time(whole_template, disk, step, share):
    fill_and_free(whole_template, disk, step, share)


def test_a_full_disk_behind_the_output(whole_template, tmp_path):
    """A log on a full disk: what a step prints is lost, and that is said."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [*whole_template.command()[:1], "-m", "dcrdf.cli", "plan", "own.yaml"],
            cwd=whole_template.folder, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert result.returncode == 2
    assert result.stderr == "dcrdf: error: No space left on device\n"
