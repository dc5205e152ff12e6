"""Digests of many files that seldom change: read again only where the file system says so."""

from contextlib import suppress
from pathlib import Path

from dcrdf.errors import UserError
from dcrdf.files.digests import sha256_of_file
from dcrdf.files.jsonfile import read_json, write_json


class Contents:
    """SHA-256 of files. `memory` is a JSON file that keeps them between calls; it may be removed,
    or be impossible to write.

    A file is read anew when its size, a time (that of its last change of any kind among them, which
    nobody can set) or its number differ from what they were when it was read.
    """

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._known: dict[str, list[int | str]] = {}
        with suppress(UserError):
            found = read_json(memory)
            self._known = found if isinstance(found, dict) else {}
        self._before = dict(self._known)

    def __call__(self, path: Path) -> str:
        """The digest of a file's content; `UserError` when it cannot be read."""
        try:
            status = path.stat()
        except OSError as error:
            raise UserError(f"{path}: cannot read: {error.strerror or error}") from None
        state = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        known = self._known.get(str(path))
        if isinstance(known, list) and known[:-1] == state:
            return str(known[-1])
        digest = sha256_of_file(path)
        self._known[str(path)] = [*state, digest]
        return digest

    def keep(self) -> None:
        """Write what was read into the memory."""
        if self._known != self._before:
            with suppress(UserError):
                write_json(self._memory, self._known)
