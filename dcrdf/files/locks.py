"""One writer at a time in a folder that several steps of work fill."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dcrdf.errors import UserError


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Make `folder` and hold it against other processes that do the same.

    The lock (flock on the folder itself) leaves no file and ends with the process, however that
    ends. `UserError` when another process holds it and when the folder cannot be made. File systems
    without such locks (some network ones) go unguarded.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"{folder}: cannot write: {error.strerror}") from None
    try:
        _lock(handle, folder)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            f"{folder}: another process is writing to it, perhaps one that outlived its Snakemake;"
            " wait for it or end it"
        ) from None
    except OSError:
        return
