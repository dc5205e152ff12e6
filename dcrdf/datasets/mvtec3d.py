"""The layout of MVTec 3D-AD (Bergmann et al., VISAPP 2022):

CATEGORY/{train,validation}/good/{rgb,xyz}, CATEGORY/test/{good,DEFECT}/{rgb,xyz,gt}.

Instead of xyz/NNN.tiff there may be depth/NNN.png with a camera file. A missing validation split
is carved out of the training split. Sets that call the folders otherwise are read with a `Naming`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from dcrdf.datasets.naming import MVTEC3D, Naming, folder_called
from dcrdf.datasets.pairing import Folder, left_out_beside, pair, sample_folders
from dcrdf.datasets.sample import GOOD, SPLITS, Sample, Split
from dcrdf.datasets.splitting import carve_validation
from dcrdf.datasets.unread import LeftOut, pictures, visible_folders
from dcrdf.errors import UserError


def list_mvtec3d(
    root: Path,
    category: str,
    naming: Naming = MVTEC3D,
    carve: Callable[[Sequence[Sample]], list[Sample]] = carve_validation,
) -> list[Sample]:
    """All samples of a category; `UserError` where the layout is not kept."""
    _refuse_other_splits(root / category, naming)
    by_split = {split: _samples_of(root, category, split, naming) for split in SPLITS}
    for split in ("train", "test"):
        if not by_split[split]:
            expected = f"{naming.good[0]}/{naming.parts['rgb'][0]}/*.png"
            raise UserError(f"{root / category / split}: no images; expected {expected}")
    if not by_split["validation"]:
        by_split["train"] = carve(by_split["train"])
    return [sample for samples in by_split.values() for sample in samples]


def has_splits(folder: Path) -> bool:
    """Whether a category's folder is split as MVTec 3D-AD is."""
    return (folder / "train" / GOOD).is_dir()


def left_out_of_mvtec3d(root: Path, category: str, naming: Naming = MVTEC3D) -> list[LeftOut]:
    """What is not read in the splits."""
    places = [folder_called(root / category, naming.splits[split]) for split in SPLITS]
    there = [place for place in places if place is not None]
    return [found for place in there for found in left_out_beside(place, naming.parts)]


def beside_splits(category: Path, naming: Naming) -> list[Path]:
    """The folders of a category that are no splits."""
    splits = [folder_called(category, naming.splits[split]) for split in SPLITS]
    return [path for path in visible_folders(category) if path not in splits]


def _refuse_other_splits(category: Path, naming: Naming) -> None:
    """A split of an unknown name must not be lost in silence."""
    for path in beside_splits(category, naming):
        picture = next(pictures(path, "*", "*/*", "*/*/*"), None)
        if picture is not None:
            known = ", ".join(name for names in naming.splits.values() for name in names)
            raise UserError(
                f"{path}: holds pictures ({picture.relative_to(path)}) but is no split; allowed:"
                f" {known}"
            )


def _samples_of(root: Path, category: str, split: Split, naming: Naming) -> list[Sample]:
    place = folder_called(root / category, naming.splits[split])
    if place is None:
        return []
    parts = naming.parts_in(split)
    good = folder_called(place, naming.good)
    samples = []
    for path in sample_folders(place, parts):
        if split != "test" and path != good:
            raise UserError(f"{path}: only good samples belong into {split}; move it to test")
        defect = GOOD if path == good else path.name
        samples += pair(Folder(path, root, category, defect, parts), split, masks_needed=True)
    return samples
