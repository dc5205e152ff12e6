"""A SLURM cluster of one node and two stand-in GPUs, and the workflow sent to it."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DAEMONS = ("munged", "slurmctld", "slurmd")
CONFIG = {
    "dataset": {"name": "tiny", "root": "scans", "categories": ["a"]},
    "prepare": {"image_size": 64},
    "teacher": {"name": "efficientnet_lite0", "weights": "package"},
    "train": {"epochs": 60, "batch_size": 4, "cpu_threads": 1},
    "infer": {"cpu_threads": 1},
    "evaluate": {"sizes": ["network"], "limits": [0.3]},
    "runs": {
        "bank": {"detector": "memory_bank", "preset": "default"},
        "plain": {"detector": "dcrdf_net", "preset": "dual_rd"},
        "light": {
            "detector": "dcrdf_net",
            "preset": "dual_rd",
            "options": {"decoder_blocks": "light"},
        },
    },
}
SLURM_CONF = """
ClusterName=standin
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/controller
SlurmdSpoolDir={folder}/node
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=2
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
MinJobAge=3600
KillWait=2
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=256000 Gres=gpu:2 State=UNKNOWN
PartitionName=only Nodes={host} Default=YES MaxTime=INFINITE State=UP DefMemPerCPU=512
"""
# SLURM sets CUDA_VISIBLE_DEVICES for character devices only.
GRES_CONF = """
AutoDetect=off
NodeName={host} Name=gpu File={folder}/gpu[0-1] Flags=nvidia_gpu_env
"""

# In a job, Snakemake's plugin drops the variable that names our configuration.
SRUN = """#!/bin/sh
SLURM_CONF={folder}/slurm.conf exec {srun} "$@"
"""


def wait_until(happened, what, seconds=60.0):
    """What `happened` returns once it is true; fails the test when that takes too long."""
    end = time.monotonic() + seconds
    while not (value := happened()):
        if time.monotonic() > end:
            pytest.fail(f"no sign of this after {seconds:.0f} s: {what}")
        time.sleep(0.02)
    return value


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Cluster:
    """Daemons of our own, as children, with all their files in one folder."""

    def __init__(self, folder):
        self.folder = folder
        self.daemons = []
        self.environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("SLURM_", "SBATCH_", "CUDA_"))
        } | {
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(Path(__file__).parents[1] / "clock"),
        }

    def start(self):
        host = socket.gethostname().split(".")[0]
        controller_port, node_port = free_ports(2)
        values = {"host": host, "folder": self.folder}
        values |= {"controller_port": controller_port, "node_port": node_port}
        for name, text in (("slurm.conf", SLURM_CONF), ("gres.conf", GRES_CONF)):
            (self.folder / name).write_text(text.format(**values))
        srun = self.folder / "bin" / "srun"
        srun.parent.mkdir()
        srun.write_text(SRUN.format(folder=self.folder, srun=shutil.which("srun")))
        srun.chmod(0o755)
        for name in ("controller", "node"):
            (self.folder / name).mkdir()
        for number in range(2):
            os.mknod(self.folder / f"gpu{number}", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        munge_files = [
            f"--{what}={self.folder}/munge.{ending}"
            for what, ending in (("socket", "socket"), ("key-file", "key"), ("seed-file", "seed"),
                                 ("pid-file", "pid"), ("log-file", "log"))
        ]  # fmt: skip
        self._start_daemon("munged", "--foreground", "--force", *munge_files)
        wait_until((self.folder / "munge.socket").exists, "munged's socket")
        self._start_daemon("slurmctld", "-D", "-f", self.environment["SLURM_CONF"])
        self._start_daemon("slurmd", "-D", "-f", self.environment["SLURM_CONF"])
        wait_until(lambda: "idle" in self.ask("sinfo", "-h", "-o", "%t"), self.logs, 30)

    def _start_daemon(self, name, *arguments):
        with (self.folder / f"{name}.log").open("wb") as log:
            command = [shutil.which(name), *arguments]
            daemon = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        self.daemons.append(daemon)

    def ask(self, *command):
        """The output of a SLURM command; empty when it fails."""
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, timeout=30
        ).stdout

    def jobs(self):
        """SLURM's records of all jobs, in order of submission."""
        records = [
            dict(word.split("=", 1) for word in line.split() if "=" in word)
            for line in self.ask("scontrol", "show", "job", "-o").splitlines()
        ]
        return sorted(records, key=lambda record: int(record["JobId"]))

    def stop(self):
        self.ask("scancel", "--user=root", "--full")
        running = ("squeue", "-h", "--states=RUNNING,COMPLETING")
        end = time.monotonic() + 10
        while self.ask(*running) and time.monotonic() < end:
            time.sleep(0.2)
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def logs(self):
        paths = [self.folder / f"{name}.log" for name in DAEMONS]
        return "\n".join(path.read_text()[-1500:] for path in paths if path.exists())


@pytest.fixture(scope="session")
def cluster():
    """A running cluster; stopped at the end of the session."""
    if os.geteuid() != 0:
        pytest.skip("only root can start a SLURM cluster")
    missing = [name for name in DAEMONS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: `make test-slurm` as root does it")
    # Short, because a socket's path may have 108 characters only.
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:
        cluster = Cluster(Path(folder))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


@dataclass
class Training:
    """A running `dcrdf train`, as the kernel shows it."""

    process: int
    arguments: list[str]
    environment: dict[str, str]
    folder: Path

    @property
    def model(self):
        return self.folder / self.arguments[self.arguments.index("--out") + 1]

    @property
    def log(self):
        return self.folder / "results" / "tiny" / "logs" / f"train-{self.model.name}.log"

    @property
    def job(self):
        return self.environment["SLURM_JOB_ID"]

    @property
    def state(self):
        return self.model / "state.safetensors"

    def freeze(self):
        os.kill(self.process, signal.SIGSTOP)


@dataclass
class Run:
    """A workflow of tiny scans on the cluster."""

    folder: Path
    cluster: Cluster
    process: subprocess.Popen | None = None

    def command(self):
        # The cluster's profile as it is, but for waits that suit jobs of seconds.
        return [
            sys.executable, "-m", "snakemake", "--configfile", "own.yaml",
            "--workflow-profile", "workflow/profiles/slurm", "--latency-wait", "5",
            "--slurm-init-seconds-before-status-checks", "1",
        ]  # fmt: skip

    def start(self):
        with (self.folder / "snakemake.log").open("wb") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.folder, env=self.cluster.environment,
                stdout=log, stderr=log,
            )  # fmt: skip

    def stop(self):
        """End it as Ctrl-C does, where it still runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def output(self):
        return (self.folder / "snakemake.log").read_text()

    def trainings(self):
        """All trainings that run now."""
        processes = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [one for one in map(self._training, processes) if one is not None]

    def _training(self, process):
        proc = Path("/proc") / str(process)
        try:
            arguments = (proc / "cmdline").read_text().split("\0")[:-1]
            is_ours = (proc / "cwd").samefile(self.folder)
            lines = (proc / "environ").read_text().split("\0")[:-1]
        except (OSError, UnicodeDecodeError):
            return None
        if not is_ours or not {"train", "--stage", "--out"} <= set(arguments):
            return None
        environment = dict(line.split("=", 1) for line in lines)
        return Training(process, arguments, environment, self.folder)

    def wait_until_done(self):
        """Wait for the end; fails when the workflow failed."""
        wait_until(lambda: self.process.poll() is not None, "the end of the workflow", 900)
        assert self.process.returncode == 0, self.output()[-3000:]

    def wait_until(self, happened, what, seconds=90.0):
        """As the function, but fails at once when the workflow has ended."""

        def checked():
            value = happened()
            if not value and self.process.poll() is not None:
                pytest.fail(f"the workflow ended before {what}:\n{self.output()[-3000:]}")
            return value

        return wait_until(checked, what, seconds)

    def again(self):
        """A second call of the same command, ended."""
        return subprocess.run(
            self.command(), cwd=self.folder, env=self.cluster.environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture
def run(cluster, tmp_path, make_scans):
    """A workflow of three trainings that is about to be started."""
    for name in ("Snakefile", "workflow", "profiles", "envs", "config.yaml"):
        (tmp_path / name).symlink_to(ROOT / name)
    make_scans(tmp_path / "scans", categories=("a",))
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(CONFIG))
    run = Run(tmp_path, cluster)
    yield run
    run.stop()
