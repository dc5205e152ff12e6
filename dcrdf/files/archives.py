"""Unpacking of archives that nobody vouches for.

Only plain files and folders are taken. Absolute paths, `..`, links, devices, names with control
characters, files in each other's place, and more bytes or members than allowed end the unpacking
with nothing left behind.
"""

import bz2
import errno
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, Self, cast

from dcrdf.errors import UserError
from dcrdf.files.atomic import replacing_folder

MAX_RATIO = 2_000
HARMLESS_BYTES = 100_000_000
_MAX_DEPTH = 64
"""Folders in one another: more are nothing but a trap for whatever walks them."""
_MAX_HEADER_BYTES = 1_000_000
_COPY_BYTES = 1 << 20
_ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
_ENCRYPTED_FLAG = 0x1
_UNIX_TYPE_SHIFT, _UNIX_TYPE_MASK = 16, 0o170000
_PLAIN_UNIX_TYPES = (0, 0o100000, 0o040000)

_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError)


class _Member(NamedTuple):
    """A file or folder in an archive; `content` is None for a folder."""

    name: str
    declared_bytes: int
    content: IO[bytes] | None


def unpack(
    archive: Path,
    into: Path,
    *,
    inner_folder: str = "",
    max_bytes: int = 100 * 10**9,
    max_members: int = 200_000,
) -> int:
    """Unpack a .tar (plain, gzip, bzip2, xz) or .zip into a folder; return the number of files.

    `into` must not exist or be empty; it appears when everything is unpacked, not before. With
    `inner_folder` only what lies below that folder of the archive is taken, without its name.
    `UserError` names the archive when it is damaged, malicious, or larger than allowed.
    """
    with replacing_folder(into) as aside:
        return unpack_into(
            archive,
            aside,
            inner_folder=inner_folder,
            max_bytes=max_bytes,
            max_members=max_members,
        )


def unpack_into(
    archive: Path,
    folder: Path,
    *,
    inner_folder: str = "",
    max_bytes: int = 100 * 10**9,
    max_members: int = 200_000,
) -> int:
    """As `unpack`, into a folder that is there; after an error it holds what came before."""
    budget = min(max_bytes, max(_size(archive) * MAX_RATIO, HARMLESS_BYTES))
    wanted = PurePosixPath(inner_folder)
    files = 0
    with _damage_named(archive):
        for count, member in enumerate(_members(archive), start=1):
            if count > max_members:
                raise UserError(f"{archive}: more than {max_members} members; refused")
            path = _safe_path(member.name, archive)
            if wanted not in [path, *path.parents]:
                continue
            target = folder / path.relative_to(wanted)
            if member.content is None:
                _make_folder(target, member.name, archive)
                continue
            if member.declared_bytes > budget:
                raise UserError(f"{archive}: unpacks to more than is allowed; refused")
            _make_folder(target.parent, member.name, archive)
            budget -= _copy(member, target, budget, archive)
            files += 1
    if files == 0:
        where = f" below {inner_folder!r}" if inner_folder else ""
        raise UserError(f"{archive}: holds no files{where}")
    return files


def _size(archive: Path) -> int:
    try:
        return archive.stat().st_size
    except OSError as error:
        raise UserError(f"{archive}: cannot read: {error.strerror or error}") from None


@contextmanager
def _damage_named(archive: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise UserError(f"{archive}: truncated or damaged archive: {error}") from None
    except OSError as error:
        # A damaged zip sends the reader to places before the file's start.
        if error.errno not in (None, errno.EINVAL):
            raise
        raise UserError(f"{archive}: truncated or damaged archive: {error}") from None
    except (ValueError, NotImplementedError, RuntimeError, UnicodeError) as error:
        raise UserError(f"{archive}: cannot be unpacked: {error}") from None


def _members(archive: Path) -> Iterator[_Member]:
    with archive.open("rb") as file:
        is_zip = file.read(4) in _ZIP_SIGNATURES
    return _zip_members(archive) if is_zip else _tar_members(archive)


class _BoundedTarInfo(tarfile.TarInfo):
    """Refuses extended headers that are too long: tarfile would read them into memory."""

    def _proc_member(self, archive: tarfile.TarFile) -> Self:
        plain = self.isreg() or self.isdir() or self.islnk() or self.issym() or self.isdev()
        if not plain and self.size > _MAX_HEADER_BYTES:
            raise tarfile.ReadError("an extended header is too long")
        member: Self = super()._proc_member(archive)  # type: ignore[misc]
        return member


def _tar_members(archive: Path) -> Iterator[_Member]:
    with (
        _decompressed(archive) as stream,
        tarfile.open(fileobj=stream, mode="r|", tarinfo=_BoundedTarInfo) as tar,
    ):
        for info in tar:
            if not (info.isreg() or info.isdir()) or info.issparse():
                raise UserError(
                    f"{archive}: {info.name!r} is a link or a special file; such archives are"
                    " refused"
                )
            yield _Member(info.name, info.size, tar.extractfile(info) if info.isreg() else None)
        _check_end(stream, tar.offset)


def _decompressed(archive: Path) -> IO[bytes]:
    """The tar inside; unlike tarfile's own, these streams notice a missing end."""
    with archive.open("rb") as file:
        start = file.read(6)
    if start.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.open(archive))
    if start == b"\xfd7zXZ\x00":
        return lzma.open(archive)
    if start.startswith(b"BZh"):
        return bz2.open(archive)
    return archive.open("rb")


def _check_end(stream: IO[bytes], end_of_members: int) -> None:
    """Read on to the end, where checksums are compared; a whole tar closes with an empty block."""
    trailing = 0
    while block := stream.read(_COPY_BYTES):
        trailing += len(block)
        if trailing > HARMLESS_BYTES:
            raise tarfile.ReadError("too much follows the last member")
    if stream.tell() < end_of_members + tarfile.BLOCKSIZE:
        raise tarfile.ReadError("the end is missing")


def _zip_members(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as packed:
        for info in packed.infolist():
            if (info.external_attr >> _UNIX_TYPE_SHIFT) & _UNIX_TYPE_MASK not in _PLAIN_UNIX_TYPES:
                raise UserError(
                    f"{archive}: {info.filename!r} is a link or a special file; such archives are"
                    " refused"
                )
            if info.flag_bits & _ENCRYPTED_FLAG:
                raise UserError(f"{archive}: {info.filename!r} is encrypted")
            if info.is_dir():
                yield _Member(info.filename, 0, None)
                continue
            with packed.open(info) as content:
                yield _Member(info.filename, info.file_size, content)


def _safe_path(name: str, archive: Path) -> PurePosixPath:
    path = PurePosixPath(name)
    outside = path.is_absolute() or ".." in path.parts or "\\" in name or name[1:2] == ":"
    if outside or not name or any(ord(letter) < 32 or ord(letter) == 127 for letter in name):
        raise UserError(f"{archive}: {name!r} leads out of the folder or is no plain name; refused")
    if len(path.parts) > _MAX_DEPTH:
        shown = "/".join(path.parts[:3])
        raise UserError(f"{archive}: {shown}/... lies in more than {_MAX_DEPTH} folders; refused")
    return path


def _make_folder(path: Path, name: str, archive: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UserError(f"{archive}: {name!r} lies where a file already is; refused") from None


def _copy(member: _Member, target: Path, budget: int, archive: Path) -> int:
    """Copy at most `budget` bytes: the declared size is not believed."""
    assert member.content is not None
    copied = 0
    try:
        file = target.open("xb")
    except FileExistsError:
        raise UserError(f"{archive}: {member.name!r} is there twice; refused") from None
    with file:
        while block := member.content.read(_COPY_BYTES):
            copied += len(block)
            if copied > budget:
                raise UserError(f"{archive}: unpacks to far more than it declares; refused")
            file.write(block)
    if copied != member.declared_bytes:
        raise UserError(f"{archive}: truncated archive: {member.name!r} is incomplete")
    return copied
