"""Locks between processes (flock). Where files have none, work goes on and that is said."""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dcrdf.errors import UserError


def try_lock(handle: int, path: Path) -> bool:
    """Lock an open file or folder without waiting; False when another process holds it.

    The lock leaves no file and ends with the process, however that ends. A file system without
    locks (NFS and Lustre as some sites mount them) refuses: then nothing guards `path`, which is
    said on stderr, and the answer is True.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:  # ENOLCK, EOPNOTSUPP, ENOSYS; EBADF for a folder on NFS
        print(
            f"dcrdf: {path}: files have no locks here ({error.strerror}): a second process that"
            " writes to it will not be noticed",
            file=sys.stderr,
            flush=True,
        )
    return True


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Make `folder` and hold it against other processes that do the same.

    `UserError` when another process holds it and when the folder cannot be made; see `try_lock` for
    file systems without locks.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"{folder}: cannot write: {error.strerror}") from None
    try:
        if not try_lock(handle, folder):
            raise UserError(
                f"{folder}: another process is writing to it, perhaps one that outlived its"
                " Snakemake; wait for it or end it"
            )
        yield
    finally:
        os.close(handle)
