"""The layout of Eyecandies (Bonfiglioli et al., ACCV 2022):

CATEGORY/{train,val,test_public}/data/NNN_ITEM.EXT with the items image_0 to image_5 (lights),
depth (16-bit, stretched between the bounds in info_depth.yaml), normals, mask, the masks of four
kinds of defects, metadata.yaml. The private test split has no ground truth and is left out.
"""

import re
from collections.abc import Callable
from pathlib import Path

from dcrdf.config.layouts import EyecandiesReader
from dcrdf.datasets.cameras import read_small_yaml
from dcrdf.datasets.sample import GOOD, Camera, Sample, Split
from dcrdf.errors import UserError
from dcrdf.files.masks import read_mask

KINDS = ("bumps", "dents", "colors", "normals")
SEVERAL = "combined"
UNSEEN = "bad"
"""A defective sample with no pixel of a defect: what is hidden by the part itself."""
WIDEST = 1.0
"""In units of the set, to the left and right of the camera's axis: M3DM (Wang et al., CVPR 2023)
cuts the rails beside the belt there."""
FOCAL_LENGTH_PX = 711.11
CENTRE_PX = 256.0
_FOLDERS: tuple[tuple[str, Split], ...] = (
    ("train", "train"),
    ("val", "validation"),
    ("test_public", "test"),
)


def list_eyecandies(root: Path, category: str, reader: EyecandiesReader) -> list[Sample]:
    """All samples of a category; `UserError` where the layout is not kept."""
    samples = []
    light = f"image_{reader.light}"
    for folder, split in _FOLDERS:
        place = root / category / folder / "data"
        images = sorted(place.glob(f"*_{light}.png")) if place.is_dir() else []
        if not images:
            raise UserError(f"{place}: no images; expected 000_{light}.png and so on")
        samples += [_sample(image, category, split, reader) for image in images]
    return samples


def _sample(image: Path, category: str, split: Split, reader: EyecandiesReader) -> Sample:
    name = re.sub(r"_image_\d$", "", image.stem)

    def item(suffix: str) -> Path:
        path = image.with_name(f"{name}_{suffix}")
        if not path.is_file():
            raise UserError(f"{image}: {path.name} is missing beside this image")
        return path

    is_test = split == "test"
    normals = image.with_name(f"{name}_normals.png")
    return Sample(
        category=category,
        split=split,
        defect=_defect(item) if is_test else GOOD,
        name=name,
        rgb=image,
        depth=item("depth.png"),
        camera=_camera(item("info_depth.yaml"), reader.scale),
        gt=item("mask.png") if is_test else None,
        widest_x_m=WIDEST * reader.scale if reader.cut else None,
        normals=normals if normals.is_file() else None,
    )


def _defect(item: Callable[[str], Path]) -> str:
    """Good or a kind of defects: by the metadata where they name all kinds, else by the masks."""
    path = item("metadata.yaml")
    metadata = read_small_yaml(path)
    if not isinstance(metadata.get("anomalous"), int):
        raise UserError(f"{path}: anomalous: 0 or 1 is expected")
    if not metadata["anomalous"]:
        return GOOD
    if all(isinstance(metadata.get(kind), int) for kind in KINDS):
        kinds = [kind for kind in KINDS if metadata[kind]]
    else:
        kinds = [kind for kind in KINDS if read_mask(item(f"{kind}_mask.png")).any()]
    return SEVERAL if len(kinds) > 1 else kinds[0] if kinds else UNSEEN


def _camera(path: Path, scale: float) -> Camera:
    bounds = read_small_yaml(path).get("normalization")
    try:
        nearest, farthest = float(bounds["min"]), float(bounds["max"])  # type: ignore[index]
    except (TypeError, KeyError, ValueError):
        raise UserError(f"{path}: normalization: min and max are expected") from None
    if not 0 <= nearest < farthest < float("inf"):
        raise UserError(f"{path}: normalization: min must be below max")
    return Camera(
        fx=FOCAL_LENGTH_PX,
        fy=FOCAL_LENGTH_PX,
        cx=CENTRE_PX,
        cy=CENTRE_PX,
        depth_unit_m=scale * (farthest - nearest) / 65535,
        depth_offset_m=scale * nearest,
        missing_value=None,
    )
