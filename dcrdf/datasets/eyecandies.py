"""The layout of Eyecandies (Bonfiglioli et al., ACCV 2022):

CATEGORY/{train,val,test_public}/data/NNN_ITEM.EXT with the items image_0 to image_5 (lights),
depth (16-bit, stretched between the bounds in info_depth.yaml), mask, metadata.yaml. The private
test split has no ground truth and is left out.
"""

import re
from pathlib import Path

from dcrdf.datasets.cameras import read_small_yaml
from dcrdf.datasets.sample import GOOD, Camera, Sample, Split
from dcrdf.errors import UserError

LIGHT = "image_4"  # the light that published results on this data set use
DEFECTIVE = "bad"
FOCAL_LENGTH_PX = 711.11
CENTRE_PX = 256.0
_FOLDERS: tuple[tuple[str, Split], ...] = (
    ("train", "train"),
    ("val", "validation"),
    ("test_public", "test"),
)


def list_eyecandies(root: Path, category: str) -> list[Sample]:
    """All samples of a category; `UserError` where the layout is not kept."""
    samples = []
    for folder, split in _FOLDERS:
        place = root / category / folder / "data"
        images = sorted(place.glob(f"*_{LIGHT}.png")) if place.is_dir() else []
        if not images:
            raise UserError(f"{place}: no images; expected 000_{LIGHT}.png and so on")
        samples += [_sample(image, category, split) for image in images]
    return samples


def _sample(image: Path, category: str, split: Split) -> Sample:
    name = re.sub(rf"_{LIGHT}$", "", image.stem)

    def item(suffix: str) -> Path:
        path = image.with_name(f"{name}_{suffix}")
        if not path.is_file():
            raise UserError(f"{image}: {path.name} is missing beside this image")
        return path

    is_test = split == "test"
    defective = is_test and bool(_anomalous(item("metadata.yaml")))
    return Sample(
        category=category,
        split=split,
        defect=DEFECTIVE if defective else GOOD,
        name=name,
        rgb=image,
        depth=item("depth.png"),
        camera=_camera(item("info_depth.yaml")),
        gt=item("mask.png") if is_test else None,
    )


def _anomalous(path: Path) -> int:
    value = read_small_yaml(path).get("anomalous")
    if not isinstance(value, int):
        raise UserError(f"{path}: anomalous: 0 or 1 is expected")
    return value


def _camera(path: Path) -> Camera:
    bounds = read_small_yaml(path).get("normalization")
    try:
        nearest_m, farthest_m = float(bounds["min"]), float(bounds["max"])  # type: ignore[index]
    except (TypeError, KeyError, ValueError):
        raise UserError(f"{path}: normalization: min and max in metres are expected") from None
    if not 0 <= nearest_m < farthest_m < float("inf"):
        raise UserError(f"{path}: normalization: min must be below max")
    return Camera(
        fx=FOCAL_LENGTH_PX,
        fy=FOCAL_LENGTH_PX,
        cx=CENTRE_PX,
        cy=CENTRE_PX,
        depth_unit_m=(farthest_m - nearest_m) / 65535,
        depth_offset_m=nearest_m,
        missing_value=None,
    )
