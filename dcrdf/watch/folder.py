"""Scans that appear in a folder, each once all its files are there and have stopped changing.

The folder is looked at again and again. The system's notices (inotify) are quicker and do not exist
for what another machine writes onto a network share, which is where cameras put their files.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

RECHECK_S = 5.0
"""How often scans that are done are looked at for a change: a folder holds thousands of them."""
PATIENCE_S = 30.0
"""How long a scan may wait for its other file before that is said."""

FileStates = Mapping[str, tuple[int, int]]
"""Of each of a scan's files: size in bytes and time of the last change in nanoseconds."""


@dataclass(frozen=True)
class Found:
    """A scan that is complete: its first file, the state of all of them, and when that was first
    seen, in seconds of the folder's clock."""

    file: Path
    states: FileStates
    since_s: float


@dataclass
class _Waiting:
    states: FileStates
    since_s: float
    first_seen_s: float
    is_said: bool = False


class DropFolder:
    """What is in a folder that others write into.

    Args:
        folder: where the scans' first files appear.
        files_of: a scan's files that are there, the first one first.
        files_needed: how many of them make a scan; 0 takes scans as they are once they settled.
        suffixes: of the first files, in lower case.
        settle_s: for how long sizes and times must not change.
    """

    def __init__(
        self,
        folder: Path,
        files_of: Callable[[Path], list[Path]],
        files_needed: int,
        suffixes: tuple[str, ...],
        settle_s: float,
    ) -> None:
        self._folder = folder
        self._files_of = files_of
        self._needed = files_needed
        self._suffixes = suffixes
        self._settle_s = settle_s
        self._waiting: dict[str, _Waiting] = {}
        self._done: dict[str, FileStates] = {}
        self._rechecked_s = -RECHECK_S
        self.names: set[str] = set()
        """Of the first files that the last look saw."""

    def look(self, now_s: float) -> list[Found]:
        """Look once; the complete scans that are not done yet, those first that waited longest.
        `OSError` when the folder cannot be read, as on a share that is away."""
        files = self._first_files()
        self.names = set(files)
        self._recheck(now_s)
        for name in [name for name in self._waiting if name not in files]:
            del self._waiting[name]
        found = []
        for name, file in files.items():
            if name in self._done:
                continue
            states = states_of(self._files_of(file))
            before = self._waiting.get(name)
            if before is None or before.states != states:
                first_s = now_s if before is None else before.first_seen_s
                before = self._waiting[name] = _Waiting(states, now_s, first_s)
            if self._is_whole(states) and now_s - before.since_s >= self._settle_s:
                found.append(Found(file, states, before.since_s))
        return sorted(found, key=lambda one: (one.since_s, one.file.name))

    def done(self, found: Found) -> None:
        """The scan is dealt with, until its files change."""
        self._done[found.file.name] = found.states
        self._waiting.pop(found.file.name, None)

    def is_as_found(self, found: Found) -> bool:
        """Whether the files are still those that were complete."""
        return states_of(self._files_of(found.file)) == found.states

    @property
    def is_settled(self) -> bool:
        """Whether nothing that the last look saw is still on its way."""
        return not self._waiting

    def lonely(self, now_s: float, patience_s: float = PATIENCE_S) -> list[Path]:
        """Scans whose other file has not come for so long; each is named once."""
        late = []
        for name, one in self._waiting.items():
            is_late = now_s - one.first_seen_s >= patience_s
            if is_late and not one.is_said and not self._is_whole(one.states):
                one.is_said = True
                late.append(self._folder / name)
        return late

    def _first_files(self) -> dict[str, Path]:
        """By name, without hidden ones, and without those that belong to another one: beside
        `1.jpg`, `1.png` is its depth."""
        with os.scandir(self._folder) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
        by_stem: dict[str, list[str]] = {}
        for name in names:
            stem, dot, suffix = name.rpartition(".")
            if dot and f".{suffix}".lower() in self._suffixes:
                by_stem.setdefault(stem, []).append(name)
        taken = {
            path.name
            for alike in by_stem.values()
            if len(alike) > 1
            for name in alike
            for path in self._files_of(self._folder / name)[1:]
            if path.parent == self._folder
        }
        return {
            name: self._folder / name
            for alike in by_stem.values()
            for name in alike
            if name not in taken
        }

    def _is_whole(self, states: FileStates) -> bool:
        if not self._needed:
            return bool(states)
        return len(states) >= self._needed and all(size > 0 for size, _ in states.values())

    def _recheck(self, now_s: float) -> None:
        if now_s - self._rechecked_s < RECHECK_S:
            return
        self._rechecked_s = now_s
        for name in self.names & self._done.keys():
            before = self._done[name]
            if states_of([Path(file) for file in before]) != before:
                del self._done[name]


def states_of(files: list[Path]) -> dict[str, tuple[int, int]]:
    """The files' sizes and times; those that have gone are missing."""
    states = {}
    for file in files:
        try:
            status = file.stat()
        except OSError:
            continue
        states[str(file)] = (status.st_size, status.st_mtime_ns)
    return states
