"""What a data set that is laid out as MVTec 3D-AD calls its folders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dcrdf.datasets.sample import GOOD, Split
from dcrdf.errors import UserError

PARTS: Mapping[str, tuple[str, ...]] = {
    "rgb": ("rgb",),
    "xyz": ("xyz",),
    "depth": ("depth",),
    "gt": ("gt",),
}


@dataclass(frozen=True)
class Naming:
    """Names of folders, the usual one first; of several names for one thing one may be there.

    Attributes:
        splits: of the splits, in a category.
        good: of the folder without defects, in a split; every other one is a kind of defects.
        parts: of a sample's images, in such a folder.
        training_masks: whether masks of training and validation samples are looked at.
    """

    splits: Mapping[Split, tuple[str, ...]] = field(
        default_factory=lambda: {
            "train": ("train",),
            "validation": ("validation",),
            "test": ("test",),
        }
    )
    good: tuple[str, ...] = (GOOD,)
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: PARTS)
    training_masks: bool = True

    def parts_in(self, split: Split) -> Mapping[str, tuple[str, ...]]:
        """The parts of that split's samples."""
        is_read = self.training_masks or split == "test"
        return self.parts if is_read else {**self.parts, "gt": ()}


MVTEC3D = Naming()


def folder_called(place: Path, names: Sequence[str]) -> Path | None:
    """The folder in `place` that has one of the names; `UserError` when several have, and for a
    file in its place."""
    there = [place / name for name in names if (place / name).is_dir()]
    # Where case does not count in names, two of them may be one folder.
    if len({path.stat().st_ino for path in there}) > 1:
        raise UserError(f"{there[1]}: {there[0].name} is there too; keep one of them")
    in_the_way = [place / name for name in names if (place / name).is_file()]
    if in_the_way and not there:
        raise UserError(f"{in_the_way[0]}: is a file; a folder of that name is expected")
    return there[0] if there else None
