"""The layout of MVTec 3D-AD (Bergmann et al., VISAPP 2022):

CATEGORY/{train,validation}/good/{rgb,xyz}, CATEGORY/test/{good,DEFECT}/{rgb,xyz,gt}.

Instead of xyz/NNN.tiff there may be depth/NNN.png with a camera file. A missing validation split
is carved out of the training split.
"""

from pathlib import Path

from dcrdf.datasets.pairing import Folder, folders_left_out, pair, sample_folders
from dcrdf.datasets.sample import GOOD, SPLITS, Sample, Split
from dcrdf.datasets.splitting import carve_validation
from dcrdf.errors import UserError


def list_mvtec3d(root: Path, category: str) -> list[Sample]:
    """All samples of a category; `UserError` where the layout is not kept."""
    by_split = {split: _samples_of(root, category, split) for split in SPLITS}
    for split in ("train", "test"):
        if not by_split[split]:
            raise UserError(f"{root / category / split}: no images; expected good/rgb/*.png")
    if not by_split["validation"]:
        by_split["train"] = carve_validation(by_split["train"])
    return [sample for samples in by_split.values() for sample in samples]


def has_splits(folder: Path) -> bool:
    """Whether a category's folder is split as MVTec 3D-AD is."""
    return (folder / "train" / GOOD).is_dir()


def left_out_of_mvtec3d(root: Path, category: str) -> list[Path]:
    """Folders in the splits that are not taken for a kind of defects."""
    places = [root / category / split for split in SPLITS]
    return [path for place in places if place.is_dir() for path in folders_left_out(place)]


def _samples_of(root: Path, category: str, split: Split) -> list[Sample]:
    place = root / category / split
    if not place.is_dir():
        return []
    samples = []
    for path in sample_folders(place):
        if split != "test" and path.name != GOOD:
            raise UserError(f"{path}: only good samples belong into {split}; move it to test")
        samples += pair(Folder(path, root, category, path.name), split, masks_needed=True)
    return samples
