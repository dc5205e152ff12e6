"""New HDF5 files that survive a full disk, and texts in files that nobody vouches for.

Texts are of fixed length: HDF5 keeps those of variable length in a heap without checksums, and may
never return from a damaged one.
"""

import errno
import io
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from dcrdf.errors import UserError

LIBRARY_VERSION = ("v110", "v110")
"""The file format since HDF5 1.10 keeps checksums of its own structures."""
PACKED: Mapping[str, Any] = {"compression": "gzip", "compression_opts": 1}
"""How datasets are compressed. Equal values make equal bytes, which tell Snakemake that nothing has
changed; lzf never clears its table and packs them in more than one way."""
READ_ERRORS = (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError)
"""What h5py raises on damaged files."""
_DAMAGE = (None, 0, errno.EINVAL, errno.EFBIG, errno.EOVERFLOW)
"""Errors of the operating system that a damaged file causes; others say why it cannot be read."""


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


def open_hdf5(path: Path) -> h5py.File:
    """A finished HDF5 file to read; `OSError` when it is none.

    Without HDF5's own locks: finished files are never written to, only replaced, and file systems
    without locks would let none be opened.
    """
    return h5py.File(path, "r", locking=False)


def write_attributes(item: h5py.HLObject, attributes: Mapping[str, Any]) -> None:
    """Store attributes: text as it is, everything else as JSON."""
    for name, value in attributes.items():
        is_text = isinstance(value, str)
        text = value if is_text else json.dumps(value, sort_keys=True, allow_nan=False)
        item.attrs[name] = np.bytes_(text.encode())


def read_attribute(item: h5py.HLObject, name: str) -> str:
    """The text of an attribute; KeyError when it is absent, ValueError when it is no such text."""
    if name not in item.attrs:
        raise KeyError(f"no attribute {name}")
    if item.attrs.get_id(name).dtype.kind != "S":
        raise ValueError(f"attribute {name} is not text of fixed length")
    return bytes(item.attrs[name]).decode()


@contextmanager
def damage_named(path: Path, step: str, part: str = "") -> Iterator[None]:
    """Turn what h5py raises on damaged files into one line that names the file and what to do;
    what the operating system refuses is no damage."""
    try:
        yield
    except UserError as error:
        is_named = str(error).startswith(str(path))
        raise UserError(str(error) if is_named else f"{path}: {error}; run {step} again") from None
    except READ_ERRORS as error:
        if isinstance(error, OSError) and error.errno not in _DAMAGE:
            raise UserError(f"{path}: cannot read: {os.strerror(error.errno or 0)}") from None
        reason = ": ".join(filter(None, (part, str(error) or type(error).__name__)))
        raise UserError(f"{path}: damaged ({reason}); run {step} again") from None


def require_finite(values: NDArray[Any], name: str) -> None:
    """ValueError when some of the values are no numbers."""
    if values.dtype.kind != "f" or not np.isfinite(values).all():
        raise ValueError(f"{name} holds something else than numbers")


def require_labels(values: NDArray[Any]) -> None:
    """ValueError when some of the values are neither 0 nor 1."""
    if values.dtype.kind != "i" or not np.isin(values, (0, 1)).all():
        raise ValueError("a label is neither 0 nor 1")


def require_stored(dataset: h5py.Dataset) -> None:
    """ValueError when the file holds fewer chunks than the shape promises: a header may claim
    terabytes, which are made up as zeros when they are read."""
    if dataset.chunks is None:
        is_whole = int(dataset.id.get_storage_size()) >= int(dataset.nbytes)
    else:
        chunks = [
            -(-side // step) for side, step in zip(dataset.shape, dataset.chunks, strict=True)
        ]
        is_whole = int(dataset.id.get_num_chunks()) == math.prod(chunks)
    if not is_whole:
        raise ValueError(f"{dataset.name} is stored in part only")


def fixed_texts(values: Sequence[str]) -> NDArray[Any]:
    """Texts (N,) as UTF-8 of one length, to be stored."""
    encoded = np.array([value.encode() for value in values], np.bytes_)
    return encoded.astype(h5py.string_dtype("utf-8", max(1, encoded.itemsize)))


def read_texts(dataset: h5py.Dataset) -> list[str]:
    """What `fixed_texts` made; ValueError when the dataset holds something else."""
    if dataset.dtype.kind != "S" or dataset.ndim != 1:
        raise ValueError(f"{dataset.name} does not hold texts of fixed length")
    require_stored(dataset)
    return [value.decode() for value in dataset[:]]
