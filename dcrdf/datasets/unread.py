"""What lies among samples and is not read: refused where scans would be lost, named elsewhere."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from dcrdf.config.sources import check_text
from dcrdf.errors import UserError

PICTURE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".tiff", ".tif", ".bmp", ".gif", ".jp2", ".pgm", ".pnm", ".ppm",
     ".webp", ".exr", ".hdr", ".pfm", ".npy", ".npz", ".ply", ".pcd", ".mat", ".zdf"}
)  # fmt: skip
"""What is a picture or a scan to people, whether or not it is read here."""
LITTER = frozenset(
    {"@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "__MACOSX", "lost+found"}
)
"""Folders that operating systems make by themselves; also what begins with a dot."""
WITHOUT_SCANS = (
    "a folder without scans; a kind of defects needs rgb and xyz (or depth) in it;"
    " a name that begins with a dot is not looked at"
)
SHOWN = 3


class LeftOut(NamedTuple):
    """A file or folder that is not read, and why."""

    path: Path
    why: str


def visible_folders(path: Path) -> list[Path]:
    """The folders in `path`, sorted by name; hidden ones and litter are left out."""
    try:
        folders = sorted(entry for entry in path.iterdir() if entry.is_dir() and is_seen(entry))
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror or error}") from None
    for folder in folders:
        check_text(folder)
    return folders


def pictures(path: Path, *patterns: str) -> Iterator[Path]:
    """The pictures below a folder that match a pattern."""
    for pattern in patterns:
        for file in sorted(path.glob(pattern)):
            below = [file, *file.parents][: len(file.relative_to(path).parts)]
            if (
                file.suffix.lower() in PICTURE_SUFFIXES
                and file.is_file()
                and all(map(is_seen, below))
            ):
                yield file


def files_named(place: Path, stem: str) -> list[Path]:
    """The pictures in a folder that have a name, whatever their format; none without a folder."""
    return [file for file in pictures(place, "*") if file.stem == stem] if place.is_dir() else []


def there_unread(files: Sequence[Path]) -> str:
    """The end of a message that misses a file whose content lies there in another format."""
    if not files:
        return ""
    return f"; {', '.join(map(str, files[:SHOWN]))} is there, in a format that is not read"


def refuse_nested(place: Path) -> None:
    """Refuse pictures in folders within a folder of images: half of the scans could be there."""
    for folder in visible_folders(place):
        if folder.suffix.lower() in PICTURE_SUFFIXES:
            raise UserError(f"{folder}: is a folder; a file is expected")
        picture = next(pictures(folder, "**/*"), None)
        if picture is not None:
            raise UserError(
                f"{folder}: holds pictures ({picture.relative_to(folder)}), and only those in"
                f" {place} itself are read; move them there"
            )


def left_out_of_samples(path: Path, parts: Mapping[str, tuple[str, ...]]) -> list[LeftOut]:
    """What is not read of a folder of samples (`path`/rgb, `path`/xyz, ...)."""
    names = [name for several in parts.values() for name in several]
    loose = list(pictures(path, "*"))
    found = []
    if loose:
        why = f"{len(loose)} files like it lie beside the folders of images and are not read"
        found.append(LeftOut(loose[0], why))
    for folder in visible_folders(path):
        if folder.name not in names and next(pictures(folder, "**/*"), None) is not None:
            found.append(
                LeftOut(folder, f"a folder that is not read; those that are: {', '.join(names)}")
            )
    for name in parts["depth"]:
        if (
            any((path / xyz).is_dir() and any(pictures(path / xyz, "*")) for xyz in parts["xyz"])
            and (path / name).is_dir()
        ):
            found.append(LeftOut(path / name, "not read, since points (xyz) are there too"))
    return found


def is_seen(path: Path) -> bool:
    """Whether a file or folder is somebody's, going by its name: neither hidden nor litter."""
    return not path.name.startswith(".") and path.name not in LITTER
