"""The simplest layout, for own scans:

CATEGORY/good/{rgb,xyz} and, if there are any, CATEGORY/DEFECT/{rgb,xyz[,gt]}.

Instead of xyz/NAME.tiff there may be depth/NAME.png (16 bit) with a camera file. Good samples are
split by their names; defective ones are for testing. A category that is split as MVTec 3D-AD is
keeps its splits.
"""

from pathlib import Path

from dcrdf.datasets.mvtec3d import has_splits, left_out_of_mvtec3d, list_mvtec3d
from dcrdf.datasets.pairing import Folder, left_out_beside, pair, sample_folders
from dcrdf.datasets.sample import GOOD, Sample
from dcrdf.datasets.splitting import carve_own_validation, split_good
from dcrdf.datasets.unread import LeftOut, visible_folders
from dcrdf.errors import UserError


def list_own_folder(root: Path, category: str) -> list[Sample]:
    """All samples of a category; `UserError` where the layout is not kept."""
    place = root / category
    if has_splits(place):
        return list_mvtec3d(root, category, carve=carve_own_validation)
    good = pair(Folder(place / GOOD, root, category, GOOD), "train")
    if not good:
        there = ", ".join(path.name for path in visible_folders(place)) or "none"
        raise UserError(
            f"{place / GOOD / 'rgb'}: no images; good samples belong there; folders in"
            f" {place}: {there}"
        )
    defective = [
        sample
        for path in sample_folders(place)
        if path.name != GOOD
        for sample in pair(Folder(path, root, category, path.name), "test")
    ]
    return split_good(good) + defective


def left_out_of_own_folder(root: Path, category: str) -> list[LeftOut]:
    """What is not read in a category."""
    place = root / category
    return left_out_of_mvtec3d(root, category) if has_splits(place) else left_out_beside(place)
