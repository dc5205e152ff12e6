"""The files of one folder, paired by name: rgb with xyz (or depth), and with gt."""

from dataclasses import dataclass
from pathlib import Path

from dcrdf.config.sources import check_defect, check_text
from dcrdf.datasets.cameras import find_camera
from dcrdf.datasets.sample import GOOD, Sample, Split
from dcrdf.errors import UserError

RGB_SUFFIXES = (".png", ".jpg", ".jpeg")
XYZ_SUFFIXES = (".tiff", ".tif")
DEPTH_SUFFIXES = (".png", *XYZ_SUFFIXES)
MASK_SUFFIXES = (".png",)
_PARTS = ("rgb", "xyz", "depth", "gt")


@dataclass(frozen=True)
class Folder:
    """A folder of samples (`path`/rgb, `path`/xyz, ...) and what its samples are."""

    path: Path
    root: Path
    category: str
    defect: str


def visible_folders(path: Path) -> list[Path]:
    """The folders in `path`, sorted by name; hidden ones are left out."""
    try:
        folders = sorted(
            entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(".")
        )
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror or error}") from None
    for folder in folders:
        check_text(folder)
    return folders


def holds_samples(path: Path) -> bool:
    """Whether a folder has one of the folders that samples consist of."""
    return any((path / part).is_dir() for part in _PARTS)


def pair(folder: Folder, split: Split, *, masks_needed: bool = False) -> list[Sample]:
    """The samples of a folder, sorted by name.

    With `masks_needed` every defective sample must have a mask. `UserError` names the file that
    lacks its counterpart, or the name that cannot be used.
    """
    check_defect(folder.path)
    images = _by_stem(folder.path / "rgb", RGB_SUFFIXES)
    has_xyz = (folder.path / "xyz").is_dir() or not (folder.path / "depth").is_dir()
    part, suffixes = ("xyz", XYZ_SUFFIXES) if has_xyz else ("depth", DEPTH_SUFFIXES)
    points = _by_stem(folder.path / part, suffixes)
    masks = _by_stem(folder.path / "gt", MASK_SUFFIXES)
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


def _by_stem(path: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Name without suffix -> file; hidden files and other file types are left out."""
    if not path.is_dir():
        return {}
    found: dict[str, Path] = {}
    for file in sorted(path.iterdir()):
        if file.name.startswith(".") or file.suffix.lower() not in suffixes or file.is_dir():
            continue
        check_text(file)
        if file.stem in found:
            raise UserError(f"{file}: {found[file.stem].name} has the same name; remove one")
        found[file.stem] = file
    return found


def _check_counterparts(
    folder: Folder, images: dict[str, Path], points: dict[str, Path], part: str
) -> None:
    alone = [image for stem, image in images.items() if stem not in points]
    if alone:
        suffix = XYZ_SUFFIXES[0] if part == "xyz" else DEPTH_SUFFIXES[0]
        expected = folder.path / part / f"{alone[0].stem}{suffix}"
        raise _refusal(alone, f"no {part} belongs to this image", expected)
    alone = [file for stem, file in points.items() if stem not in images]
    if alone:
        expected = folder.path / "rgb" / f"{alone[0].stem}.png"
        raise _refusal(alone, f"no rgb image belongs to this {part}", expected)


def _check_masks(
    folder: Folder, images: dict[str, Path], masks: dict[str, Path], masks_needed: bool
) -> None:
    alone = [mask for stem, mask in masks.items() if stem not in images]
    if alone:
        expected = folder.path / "rgb" / f"{alone[0].stem}.png"
        raise _refusal(alone, "gt for a missing image", expected)
    if folder.defect == GOOD or not (masks_needed or masks):
        return
    alone = [image for stem, image in images.items() if stem not in masks]
    if alone:
        expected = folder.path / "gt" / f"{alone[0].stem}.png"
        raise _refusal(alone, "no gt mask belongs to this image", expected)


def _refusal(files: list[Path], problem: str, expected: Path) -> UserError:
    more = f" ({len(files) - 1} more like it in this folder)" if len(files) > 1 else ""
    return UserError(f"{files[0]}: {problem}; expected {expected}{more}")
