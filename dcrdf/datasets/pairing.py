"""The files of one folder, paired by name: rgb with xyz (or depth), and with gt."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dcrdf.config.sources import check_defect, check_text
from dcrdf.datasets.cameras import find_camera
from dcrdf.datasets.naming import PARTS, folder_called
from dcrdf.datasets.sample import GOOD, Sample, Split
from dcrdf.datasets.unread import (
    WITHOUT_SCANS,
    LeftOut,
    files_named,
    is_seen,
    left_out_of_samples,
    pictures,
    refuse_nested,
    there_unread,
    visible_folders,
)
from dcrdf.errors import UserError

RGB_SUFFIXES = (".png", ".jpg", ".jpeg")
XYZ_SUFFIXES = (".tiff", ".tif")
DEPTH_SUFFIXES = (".png", *XYZ_SUFFIXES)
MASK_SUFFIXES = (".png", *XYZ_SUFFIXES, ".jpg", ".jpeg")
PartNames = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Folder:
    """A folder of samples (`path`/rgb, `path`/xyz, ...) and what its samples are; `parts` are the
    names that rgb, xyz, depth and gt may have in it."""

    path: Path
    root: Path
    category: str
    defect: str
    parts: PartNames = field(default_factory=lambda: PARTS)

    def part(self, part: str) -> Path | None:
        """Where the images of one kind lie, None where they are not; `UserError` for two places."""
        return folder_called(self.path, self.parts[part])


def sample_folders(place: Path, parts: PartNames = PARTS) -> list[Path]:
    """The folders in `place` that hold samples, sorted by name.

    `UserError` for one that was meant to and does not: pictures lie elsewhere than in `rgb`, `rgb`
    is empty, or a link leads nowhere. A kind of defects is never lost in silence.
    """
    folders = [path for path in visible_folders(place) if _holds_samples(path, parts)]
    for path in sorted(place.iterdir()):
        if is_seen(path):
            _refuse_lost(path, parts)
    return folders


def left_out_beside(place: Path, parts: PartNames = PARTS) -> list[LeftOut]:
    """What is not read in `place`: folders without samples and without pictures (notes), and what
    lies among samples."""
    found = []
    for path in visible_folders(place):
        if _holds_samples(path, parts):
            found += left_out_of_samples(path, parts)
        else:
            found.append(LeftOut(path, WITHOUT_SCANS))
    return found


def _places(path: Path, parts: PartNames) -> list[Path]:
    """The folders that samples in `path` may consist of."""
    return [path / name for names in parts.values() for name in names]


def _holds_samples(path: Path, parts: PartNames) -> bool:
    """Whether a folder has one of the folders that samples consist of."""
    return any(place.is_dir() for place in _places(path, parts))


def _refuse_lost(path: Path, parts: PartNames) -> None:
    for link in (path, *_places(path, parts)):
        if link.is_symlink() and not link.exists():
            raise UserError(f"{link}: a link to what is not there; correct or remove it")
    if not path.is_dir():
        return
    if not _holds_samples(path, parts):
        picture = next(pictures(path, "*", "*/*"), None)
        if picture is not None:
            raise UserError(
                f"{path}: holds pictures ({picture.relative_to(path)}) but no folder rgb; expected"
                f" {path / 'rgb'} and {path / 'xyz'} (or depth); a name that begins with a dot"
                " is left out"
            )
    elif path.name != GOOD and not any(any(pictures(x, "*")) for x in _places(path, parts)):
        raise UserError(
            f"{path / 'rgb'}: no images; put this kind's images there"
            f" ({', '.join(RGB_SUFFIXES)}), or remove {path}"
        )


def pair(folder: Folder, split: Split, *, masks_needed: bool = False) -> list[Sample]:
    """The samples of a folder, sorted by name.

    With `masks_needed` every defective sample must have a mask. `UserError` names the file that
    lacks its counterpart, or the name that cannot be used.
    """
    check_defect(folder.path)
    images = _by_stem(folder.part("rgb"), RGB_SUFFIXES)
    _refuse_unread(folder.part("rgb"), images, RGB_SUFFIXES)
    points = _by_stem(folder.part("xyz"), XYZ_SUFFIXES)
    has_xyz = bool(points) or folder.part("depth") is None
    part = "xyz" if has_xyz else "depth"
    if not has_xyz:
        points = _by_stem(folder.part("depth"), DEPTH_SUFFIXES)
    masks = _by_stem(folder.part("gt"), MASK_SUFFIXES)
    _refuse_unread(folder.part("gt"), masks, MASK_SUFFIXES)
    _check_counterparts(folder, images, points, part)
    _check_masks(folder, images, masks, masks_needed)
    camera = None if has_xyz or not images else find_camera(folder.path, folder.root)
    return [
        Sample(
            category=folder.category,
            split=split,
            defect=folder.defect,
            name=stem,
            rgb=image,
            xyz=points[stem] if has_xyz else None,
            depth=None if has_xyz else points[stem],
            camera=camera,
            gt=masks.get(stem),
        )
        for stem, image in images.items()
    ]


def _by_stem(path: Path | None, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Name without suffix -> file; hidden files and other file types are left out."""
    if path is None:
        return {}
    refuse_nested(path)
    found: dict[str, Path] = {}
    for file in sorted(path.iterdir()):
        if file.name.startswith(".") or file.suffix.lower() not in suffixes or file.is_dir():
            continue
        check_text(file)
        if file.stem in found:
            raise UserError(f"{file}: {found[file.stem].name} has the same name; remove one")
        found[file.stem] = file
    return found


def _refuse_unread(path: Path | None, read: dict[str, Path], suffixes: tuple[str, ...]) -> None:
    """A picture of another format would be missing in silence, or leave its points alone."""
    for file in pictures(path, "*") if path is not None else ():
        if file.suffix.lower() not in suffixes and file.stem not in read:
            formats = ", ".join(suffixes)
            raise UserError(
                f"{file}: not a format that is read here; convert it to one of {formats}"
            )


def _check_counterparts(
    folder: Folder, images: dict[str, Path], points: dict[str, Path], part: str
) -> None:
    alone = [image for stem, image in images.items() if stem not in points]
    if alone:
        suffix = XYZ_SUFFIXES[0] if part == "xyz" else DEPTH_SUFFIXES[0]
        expected = _expected(folder, part, f"{alone[0].stem}{suffix}")
        unread = there_unread(files_named(expected.parent, alone[0].stem))
        raise _refusal(alone, f"no {part} belongs to this image", expected, unread)
    alone = [file for stem, file in points.items() if stem not in images]
    if alone:
        expected = _expected(folder, "rgb", f"{alone[0].stem}.png")
        raise _refusal(alone, f"no rgb image belongs to this {part}", expected)


def _check_masks(
    folder: Folder, images: dict[str, Path], masks: dict[str, Path], masks_needed: bool
) -> None:
    alone = [mask for stem, mask in masks.items() if stem not in images]
    if alone:
        expected = _expected(folder, "rgb", f"{alone[0].stem}.png")
        raise _refusal(alone, "gt for a missing image", expected)
    if folder.defect == GOOD or not (masks_needed or masks):
        return
    alone = [image for stem, image in images.items() if stem not in masks]
    if alone:
        expected = _expected(folder, "gt", f"{alone[0].stem}.png")
        raise _refusal(alone, "no gt mask belongs to this image", expected)


def _expected(folder: Folder, part: str, name: str) -> Path:
    return (folder.part(part) or folder.path / folder.parts[part][0]) / name


def _refusal(files: list[Path], problem: str, expected: Path, unread: str = "") -> UserError:
    more = f" ({len(files) - 1} more like it in this folder)" if len(files) > 1 else ""
    return UserError(f"{files[0]}: {problem}; expected {expected}{unread}{more}")
