"""The layout of PD-REAL (Qin et al., 2023), as far as it can be guessed: its files are described
nowhere.

CATEGORY/{train,validation,test}/{good,DEFECT}/{rgb,xyz,gt} as MVTec 3D-AD's, with other likely
names of the folders. What is laid out in another way is refused by name.
"""

import math
from collections.abc import Sequence
from pathlib import Path

from dcrdf.config.layouts import PdrealReader
from dcrdf.datasets.load import load_points, median_distance_m
from dcrdf.datasets.mvtec3d import beside_splits, left_out_of_mvtec3d, list_mvtec3d
from dcrdf.datasets.naming import Naming
from dcrdf.datasets.pairing import XYZ_SUFFIXES
from dcrdf.datasets.sample import GOOD, Sample
from dcrdf.datasets.units import Unit, with_unit
from dcrdf.datasets.unread import LeftOut
from dcrdf.errors import UserError

NAMING = Naming(
    splits={"train": ("train",), "validation": ("validation", "val", "valid"), "test": ("test",)},
    good=(GOOD, "normal", "ok"),
    parts={
        "rgb": ("rgb", "RGB", "image"),
        "xyz": ("xyz", "pc", "pointcloud"),
        "depth": ("depth", "z"),
        "gt": ("gt", "ground_truth", "mask"),
    },
)
UNITS = (Unit(1.0, 0.05, 1.0), Unit(1e-3, 50.0, 600.0), Unit(1e-4, 700.0, 6000.0))
"""Its camera measures from 7 to 50 cm, in steps of 0.1 mm: the ranges do not overlap."""
CLOUD_SUFFIXES = frozenset({".ply", ".pcd"})


def list_pdreal(root: Path, category: str, reader: PdrealReader) -> list[Sample]:
    """All samples of a category; `UserError` where the layout is not a likely one."""
    _refuse_clouds(root / category)
    samples = list_mvtec3d(root, category, NAMING)
    _check_camera(samples, reader.unit)
    return with_unit(samples, reader.unit, UNITS)


def left_out_of_pdreal(root: Path, category: str) -> list[LeftOut]:
    """What is not read, or not taken for a split."""
    others = [LeftOut(path, "no split") for path in beside_splits(root / category, NAMING)]
    return [*others, *left_out_of_mvtec3d(root, category, NAMING)]


def _refuse_clouds(category: Path) -> None:
    """Points without pixels cannot lie on a colour image."""
    for name in NAMING.parts["xyz"]:
        for place in sorted(category.glob(f"*/*/{name}")):
            suffixes = {path.suffix.lower() for path in place.iterdir()}
            if suffixes & CLOUD_SUFFIXES and not suffixes & set(XYZ_SUFFIXES):
                raise UserError(
                    f"{place}: holds point clouds without pixels"
                    f" ({', '.join(sorted(suffixes & CLOUD_SUFFIXES))}); organised xyz images"
                    " (.tiff) or depth images are needed"
                )


def _check_camera(samples: Sequence[Sample], wanted: str) -> None:
    """Refuse a camera file with another unit than the one wanted or, where `auto` is, one that puts
    the first training scan where this camera does not see."""
    first = next((x for x in samples if x.split == "train" and x.depth is not None), None)
    if first is None or first.depth is None or first.camera is None:
        return
    step_m = first.camera.depth_unit_m
    said = f"its camera file says depth_unit_m: {step_m:g}"
    unit = next((x for x in UNITS if x.name == wanted), None)
    if unit is not None and not math.isclose(step_m, unit.metres, rel_tol=1e-3):
        raise UserError(
            f"{first.depth}: {said}, dataset.reader.unit: {wanted}; correct one of them"
        )
    points, _ = load_points(first.depth, first.camera)
    distance_m = abs(median_distance_m(points[:, :, 2]))
    metres = UNITS[0]
    if unit is None and not metres.fits(distance_m):
        raise UserError(
            f"{first.depth}: the median distance is {distance_m:.4g} m, usual are"
            f" {metres.nearest:g} to {metres.farthest:g} m; {said}: correct it, or confirm it with"
            " dataset.reader.unit"
        )
