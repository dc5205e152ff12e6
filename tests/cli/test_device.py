"""One GPU per process: with invented devices and real processes."""

import errno
import fcntl
import os
import subprocess
import sys
import time

import pytest

from dcrdf.cli import device as module
from dcrdf.cli.device import claim_gpu, lock_folder, nvidia_devices
from dcrdf.config.plan import Plan
from dcrdf.config.resolve import parse_config
from dcrdf.errors import UserError

HOLD = """
import os, sys
from pathlib import Path
from dcrdf.cli.device import claim_gpu
devices = [int(text) for text in sys.argv[2].split(",")]
taken = claim_gpu(sys.argv[3], devices, Path(sys.argv[1]), poll_s=0.02)
print("taken", taken, os.environ.get("CUDA_VISIBLE_DEVICES"), flush=True)
if "fork" in sys.argv and os.fork() == 0:
    os.close(1)
    os.read(0, 1)
    os._exit(0)
sys.stdin.read(1)
"""


@pytest.fixture(autouse=True)
def nothing_held(monkeypatch):
    """The test's own process starts without claims and drops those it makes."""
    held = {}
    monkeypatch.setattr(module, "_held", held)
    yield
    for file in held.values():
        file.close()


@pytest.fixture
def hold(tmp_path):
    """Starts a process that claims a GPU and keeps it until it is told to end."""
    started = []

    def start(devices, name="auto", *more):
        environment = {
            key: value
            for key, value in os.environ.items()
            if key not in ("SLURM_JOB_ID", "CUDA_VISIBLE_DEVICES")
        }
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path), ",".join(map(str, devices)), name, *more],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()


def line(process):
    return process.stdout.readline().split()


def test_processes_started_at_once_get_different_devices(hold):
    processes = [hold([0, 1, 2]) for _ in range(3)]
    lines = [line(process) for process in processes]
    assert {tuple(words) for words in lines} == {
        ("taken", "0", "0"), ("taken", "1", "1"), ("taken", "2", "2"),
    }  # fmt: skip


@pytest.mark.parametrize("end", ["kill", "stdin"])
def test_a_third_waits_until_one_of_two_ends(hold, end):
    first, second = hold([0, 1]), hold([0, 1])
    assert {line(first)[1], line(second)[1]} == {"0", "1"}
    third = hold([0, 1])
    assert third.stdout.readline().startswith("waiting for GPU 0, 1 to be free")
    time.sleep(0.1)
    assert third.poll() is None
    if end == "kill":
        second.kill()
    else:
        second.stdin.write("x")
        second.stdin.close()
    second.wait()
    assert line(third)[0] == "taken", "told once, then taken"


def test_forked_children_do_not_keep_the_device(hold):
    parent = hold([0], "auto", "fork")
    assert line(parent)[1] == "0"
    parent.kill()
    parent.wait()
    assert line(hold([0])) == ["taken", "0", "0"]


def test_a_named_device_is_claimed_and_all_stay_visible(hold):
    assert line(hold([0, 1], "cuda:1")) == ["taken", "1", "None"]
    assert line(hold([0, 1])) == ["taken", "0", "0"]
    assert hold([0, 1], "cuda:1").stdout.readline().startswith("waiting for GPU 1 to be free")


def test_visible_index_counts_the_devices_that_are_there(tmp_path):
    """A container may show /dev/nvidia3 alone; CUDA calls it 0, its lock is the host's."""
    environment = {}
    assert claim_gpu("auto", [3, 5], tmp_path, environment) == 3
    assert environment == {"CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert (tmp_path / "gpu3.lock").exists()


def test_the_same_process_may_claim_again(tmp_path):
    assert claim_gpu("cuda:0", [0], tmp_path, {}) == 0
    assert claim_gpu("cuda:0", [0], tmp_path, {}) == 0


@pytest.mark.parametrize(
    ("name", "devices", "environment"),
    [
        ("cpu", [0], {}),
        ("mps", [0], {}),
        ("auto", [], {}),
        ("auto", [0], {"SLURM_JOB_ID": "7"}),
        ("cuda", [0], {"CUDA_VISIBLE_DEVICES": "1"}),
        ("auto", [0], {"CUDA_VISIBLE_DEVICES": ""}),
    ],
)
def test_nothing_is_done_where_nothing_is_to_choose(tmp_path, name, devices, environment):
    before = dict(environment)
    assert claim_gpu(name, devices, tmp_path, environment) is None
    assert environment == before
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match="--device cuda:2: this host has 2"):
        claim_gpu("cuda:2", [0, 1], tmp_path, {})


def test_a_folder_that_cannot_be_used_is_named(tmp_path):
    with pytest.raises(UserError, match="absent.*CUDA_VISIBLE_DEVICES"):
        claim_gpu("auto", [0], tmp_path / "absent", {})


def test_a_folder_without_locks_is_named(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(UserError, match="No locks available; set CUDA_VISIBLE_DEVICES"):
        claim_gpu("auto", [0], tmp_path, {})


def test_lock_folder_is_private_and_not_a_strangers(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    folder = lock_folder()
    assert folder == lock_folder()
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="belongs to somebody else"):
        lock_folder()


def test_devices_are_listed_by_number(tmp_path):
    for name in ("nvidia10", "nvidia2", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert nvidia_devices(tmp_path) == [2, 10]


CLAIM_FIRST = """
import sys
from importlib import import_module
from dcrdf.cli import main
name, *arguments = sys.argv[1:]
step = import_module(f"dcrdf.cli.{name}")
step.claim_gpu = lambda device: sys.exit(40 + ("torch" in sys.modules))
main([name, *arguments])
"""


@pytest.mark.parametrize(
    ("name", "more"), [("train", []), ("infer", ["--model", "m"])], ids=["train", "infer"]
)
def test_steps_claim_before_torch_is_imported(minimal, name, more):
    stage = getattr(Plan(parse_config(minimal)).chain("net", "a", 0), name)
    arguments = [name, "--stage", stage.to_json(), "--prepared", "x.h5", "--out", "y", *more]
    result = subprocess.run(
        [sys.executable, "-c", CLAIM_FIRST, *arguments], check=False, capture_output=True
    )
    assert result.returncode == 40, result.stderr
