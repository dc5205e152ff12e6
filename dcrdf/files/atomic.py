"""Outputs that appear whole or not at all: written aside, then renamed."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dcrdf.errors import UserError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of `path` to write to; it takes the place of `path` on success.

    Missing parent folders are made. On any failure the sibling is removed and `path` stays as it
    was; what the operating system refuses (disk full, no permission) becomes a `UserError`. The
    sibling of a process that was killed goes when the same output is written again on its host.
    """
    aside = _aside(path)
    try:
        with _refusals_named(path, aside):
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_leftovers(path)
            yield aside
            aside.chmod(_usual_mode())
            aside.replace(path)
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a new temporary sibling folder; it becomes `path` on success.

    A folder that is already there and not empty is refused (`UserError`), unless `overwrite`:
    then it is removed once the new one is complete. Failures are treated as in `replacing`.
    """
    if not overwrite and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"{path}: is already there; remove it or choose another folder")
    aside, old = _aside(path), _aside(path.with_name(path.name + ".old"))
    try:
        with _refusals_named(path, aside):
            path.parent.mkdir(parents=True, exist_ok=True)
            for one in (path, path.with_name(path.name + ".old")):
                _remove_leftovers(one)
            aside.mkdir()
            yield aside
            if path.exists():
                path.replace(old)
            aside.replace(path)
    finally:
        _remove_tree(aside)
        _remove_tree(old)


def _usual_mode() -> int:
    """What the user's umask allows: some writers make files that only their owner may read."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _aside(path: Path) -> Path:
    """A hidden sibling on the same file system; it keeps the suffix, from which writers guess."""
    return path.with_name(f".{path.stem}.{_host()}-{os.getpid()}.part{path.suffix}")


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9.]", "", socket.gethostname())


def _remove_leftovers(path: Path) -> None:
    """Remove what processes of this host that live no more left of `path`; of other hosts' nothing
    is known."""
    before, after = re.escape(f".{path.stem}.{_host()}-"), re.escape(f".part{path.suffix}")
    for sibling in path.parent.iterdir():
        match = re.fullmatch(f"{before}([0-9]+){after}", sibling.name)
        if match is None or _is_another_process(int(match[1])):
            continue
        if sibling.is_dir() and not sibling.is_symlink():
            _remove_tree(sibling)
        else:
            sibling.unlink(missing_ok=True)


def _remove_tree(folder: Path) -> None:
    """Remove a folder as far as that is allowed; unlike `shutil.rmtree`, however deep it is."""
    folders = [folder]
    for one in folders:  # grows
        with suppress(OSError):
            for entry in os.scandir(one):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                else:
                    with suppress(OSError):
                        Path(entry.path).unlink()
    for one in reversed(folders):
        with suppress(OSError):
            one.rmdir()


def _is_another_process(number: int) -> bool:
    """Whether a process of this number, and not this one, lives."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return number != os.getpid()


@contextmanager
def _refusals_named(path: Path, aside: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        name = error.filename2 or error.filename  # of a copy that fails, the second is written
        named = Path(os.fsdecode(name)) if name else aside
        is_ours = named == aside or aside in named.parents or named == path.parent
        shown = path if is_ours else named
        raise UserError(f"{shown}: cannot write: {error.strerror or error}") from error
