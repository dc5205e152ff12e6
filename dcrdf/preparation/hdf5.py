"""New HDF5 files that survive a full disk."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

LIBRARY_VERSION = ("v110", "v110")
"""The file format since HDF5 1.10 keeps checksums of its own structures."""


class NewFile(h5py.File):  # type: ignore[misc]
    """An HDF5 file being written; made by `new_hdf5`."""

    def __init__(self, raw: "_PatientFile") -> None:
        self._raw = raw
        super().__init__(raw, "w", libver=LIBRARY_VERSION)

    def check(self) -> None:
        """Raise the `OSError` of the first write that failed; call it now and then."""
        if self._raw.failure is not None:
            raise self._raw.failure


class _PatientFile(io.FileIO):
    """Remembers the first write that failed and swallows it and all later ones: HDF5 cannot close
    a file that it cannot write, and crashes the interpreter at exit."""

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        """Write all of `data`, or pretend to."""
        view = memoryview(data).cast("B")
        done = 0
        while self.failure is None and done < len(view):
            try:
                done += super().write(view[done:]) or 0
            except OSError as error:
                self.failure = error
        return len(view)


@contextmanager
def new_hdf5(path: Path) -> Iterator[NewFile]:
    """A new, empty HDF5 file at `path` (a temporary one: see `dcrdf.files.atomic`).

    Raises:
        OSError: something could not be written (disk full), at the end of the block at the latest.
    """
    with _PatientFile(path, "w+") as raw:
        try:
            with NewFile(raw) as file:
                yield file
        finally:
            if raw.failure is not None:
                raise raw.failure
