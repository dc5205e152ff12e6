"""The layout of 3D-ADAM's single-camera export:

CATEGORY/train/good/{rgb,xyz}, CATEGORY/test/{good,DEFECT}/{rgb,xyz,ground_truth}.

As MVTec 3D-AD's, with the masks named otherwise, no validation split, and a unit that nobody says.
"""

from pathlib import Path

from dcrdf.config.layouts import Adam3dReader
from dcrdf.datasets.mvtec3d import left_out_of_mvtec3d, list_mvtec3d
from dcrdf.datasets.naming import PARTS, Naming
from dcrdf.datasets.sample import Sample
from dcrdf.datasets.units import Unit, with_unit
from dcrdf.datasets.unread import LeftOut

NAMING = Naming(parts={**PARTS, "gt": ("ground_truth",)}, training_masks=False)
UNITS = (Unit(1.0, 0.1, 2.0), Unit(1e-3, 100.0, 2000.0))


def list_adam3d(root: Path, category: str, reader: Adam3dReader) -> list[Sample]:
    """All samples of a category; `UserError` where the layout is not kept."""
    return with_unit(list_mvtec3d(root, category, NAMING), reader.unit, UNITS)


def left_out_of_adam3d(root: Path, category: str) -> list[LeftOut]:
    """What is not read in the splits."""
    return left_out_of_mvtec3d(root, category, NAMING)
