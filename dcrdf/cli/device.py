"""A GPU of one's own: processes that share a host without a scheduler take one each.

A process that computes on a GPU holds an advisory lock (flock) on that GPU's lock file for as long
as it lives; the kernel drops the lock however the process ends.
"""

import fcntl
import os
import re
import tempfile
import time
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import IO

from dcrdf.errors import UserError

_held: dict[int, IO[str]] = {}
"""Device number -> its locked file; open files must outlive the call that took them."""


def claim_gpu(
    device: str,
    devices: Sequence[int] | None = None,
    folder: Path | None = None,
    environment: MutableMapping[str, str] = os.environ,
    poll_s: float = 1.0,
) -> int | None:
    """Wait for a GPU that no other process has claimed, claim it and return its number.

    Must run before torch is imported: for `device` `auto` or `cuda` it sets CUDA_VISIBLE_DEVICES;
    `cuda:N` claims that GPU and leaves all visible. Returns None, and does nothing, where there is
    nothing to choose: any other `device`, no NVIDIA GPU, a scheduler's or the user's choice made
    (SLURM_JOB_ID or CUDA_VISIBLE_DEVICES set). `devices` are the GPUs' minor numbers (default:
    those in /dev), `folder` holds the lock files. Raises `UserError` for a GPU that is not there
    and for a folder that cannot be used.
    """
    wanted = re.fullmatch(r"auto|cuda(?::(\d+))?", device)
    decided = "SLURM_JOB_ID" in environment or "CUDA_VISIBLE_DEVICES" in environment
    devices = nvidia_devices() if devices is None else sorted(devices)
    if wanted is None or decided or not devices:
        return None
    # As nvidia-smi counts; by default the fastest GPU comes first and numbers do not fit /dev.
    environment.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    if wanted[1] is not None:
        index = int(wanted[1])
        if index >= len(devices):
            raise UserError(f"--device {device}: this host has {len(devices)} GPU(s)")
        return _wait_for([devices[index]], folder or lock_folder(), poll_s)
    taken = _wait_for(devices, folder or lock_folder(), poll_s)
    environment["CUDA_VISIBLE_DEVICES"] = str(devices.index(taken))
    return taken


def nvidia_devices(folder: Path = Path("/dev")) -> list[int]:
    """Minor numbers of the NVIDIA GPUs: 0 for /dev/nvidia0."""
    found = (re.fullmatch(r"nvidia(\d+)", path.name) for path in folder.glob("nvidia*"))
    return sorted(int(match[1]) for match in found if match)


def lock_folder() -> Path:
    """This user's folder of lock files, made when it is not there.

    Below the temporary folder: XDG_RUNTIME_DIR goes when the user logs out, trainings stay.
    """
    folder = Path(tempfile.gettempdir()) / f"dcrdf-gpus-{os.geteuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror}; set CUDA_VISIBLE_DEVICES") from None
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise UserError(f"{folder}: belongs to somebody else; set CUDA_VISIBLE_DEVICES")
    return folder


def _wait_for(devices: Sequence[int], folder: Path, poll_s: float) -> int:
    has_told = False
    while True:
        for device in devices:
            if device in _held or _try_lock(device, folder):
                return device
        if not has_told:
            names = ", ".join(map(str, devices))
            print(f"waiting for GPU {names} to be free (locks in {folder})", flush=True)
            has_told = True
        time.sleep(poll_s)


def _try_lock(device: int, folder: Path) -> bool:
    path = folder / f"gpu{device}.lock"
    try:
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; set CUDA_VISIBLE_DEVICES") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    except OSError as error:  # a file system without locks
        file.close()
        raise UserError(f"{path}: {error.strerror}; set CUDA_VISIBLE_DEVICES") from None
    # A lock lasts until every copy of the file is closed; forked workers must not keep one.
    os.register_at_fork(after_in_child=file.close)
    _held[device] = file
    return True
