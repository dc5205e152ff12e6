"""Camera files: the intrinsics and the depth unit that belong to 16-bit depth images."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from dcrdf.config.sources import CAMERA_FILES
from dcrdf.config.yaml_file import UniqueKeys
from dcrdf.datasets.sample import Camera
from dcrdf.errors import UserError
from dcrdf.files.jsonfile import without_duplicates

_REQUIRED = ("fx", "fy", "cx", "cy", "depth_unit_m")
_POSITIVE = ("fx", "fy", "depth_unit_m")
_MAX_BYTES = 65_536
WIDEST_VIEW_RAD = math.radians(140.0)
"""Depth cameras see up to 120 degrees; beyond this a focal length is no number of pixels."""


def find_camera(folder: Path, root: Path) -> Camera:
    """Read the camera file in `folder` or the nearest folder above it, up to `root`.

    `UserError` when there is none, or more than one in a folder.
    """
    for place in [folder, *folder.parents]:
        camera = camera_in(place)
        if camera is not None:
            return camera
        if place == root:
            break
    raise UserError(
        f"{folder / 'depth'}: depth images need a camera.json beside the category's folders,"
        f" with {', '.join(_REQUIRED)}"
    )


def camera_in(folder: Path) -> Camera | None:
    """The camera whose file lies in `folder`, if one does; `UserError` for more than one."""
    found = [folder / name for name in CAMERA_FILES if (folder / name).is_file()]
    if len(found) > 1:
        raise UserError(f"{found[1]}: {found[0].name} is there too; keep one of them")
    return read_camera(found[0]) if found else None


def read_camera(path: Path) -> Camera:
    """The camera in a JSON or YAML file with the keys of `Camera`."""
    values = read_small_yaml(path)
    known = [key for key in Camera.__dataclass_fields__ if key != "file"]
    for key in values:
        if key not in known:
            raise UserError(f"{path}: unknown key {key!r}; allowed: {', '.join(known)}")
    for key in _REQUIRED:
        if key not in values:
            raise UserError(f"{path}: {key} is missing")
    missing_value = values.pop("missing_value", 0)
    if missing_value is not None and type(missing_value) is not int:
        raise UserError(f"{path}: missing_value: a whole number or null is expected")
    along, crop = values.pop("depth_along", "axis"), values.pop("crop", False)
    if along not in ("axis", "ray"):
        raise UserError(f"{path}: depth_along: axis or ray is expected, not {str(along)[:40]!r}")
    if not isinstance(crop, bool):
        raise UserError(f"{path}: crop: true or false is expected")
    numbers = {key: _number(value, key, path) for key, value in values.items()}
    return Camera(**numbers, missing_value=missing_value, depth_along=along, crop=crop, file=path)


def read_small_yaml(path: Path) -> dict[Any, Any]:
    """The mapping in a small YAML or JSON file."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UserError(f"{path}: too large for a file of a few numbers")
        # YAML 1.1 reads JSON's 1e-05 as text, so JSON files go through JSON.
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            values = json.loads(text, object_pairs_hook=without_duplicates)
        else:
            values = yaml.load(text, UniqueKeys)  # noqa: S506 - a safe loader
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror or error}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: not valid YAML or JSON: {error}") from None
    if not isinstance(values, dict):
        raise UserError(f"{path}: a mapping of keys to numbers is expected")
    return values


def require_fitting(camera: Camera, size: tuple[int, int]) -> None:
    """Refuse (`UserError`, naming file and key) a camera that cannot have made images of `size`
    (height, width): its numbers belong to another resolution, or are no pixels."""
    if camera.file is None:  # a data set's own, not somebody's file
        return
    height, width = size
    where = f"{camera.file}: "
    for key, focal, side in (("fx", camera.fx, width), ("fy", camera.fy, height)):
        if 2.0 * focal * math.tan(WIDEST_VIEW_RAD / 2.0) < side:
            view = math.degrees(2.0 * math.atan(side / 2.0 / focal))
            raise UserError(
                f"{where}{key}: {focal:g} px means a view of {view:.0f} degrees over {side} px;"
                " give the focal length of these images, in pixels"
            )
    for key, centre, side in (("cx", camera.cx, width), ("cy", camera.cy, height)):
        if not (camera.crop or -0.5 <= centre <= side - 0.5):
            raise UserError(
                f"{where}{key}: {centre:g} lies outside the image of {width} x {height} px;"
                " give the numbers of images of this size (or crop: true, if they are cut out)"
            )


def points_from_depth(depth: NDArray[np.uint16], camera: Camera) -> NDArray[np.float32]:
    """Pinhole back-projection: depth (H, W) to float32 (H, W, 3) metres; missing is (0, 0, 0).
    `UserError` for a camera that cannot be that of the image."""
    require_fitting(camera, (depth.shape[0], depth.shape[1]))
    height, width = depth.shape
    with np.errstate(over="ignore", invalid="ignore"):  # points at infinity count as missing
        z = depth.astype(np.float32) * np.float32(camera.depth_unit_m)
        z += np.float32(camera.depth_offset_m)
        if camera.missing_value is not None:
            z[depth == camera.missing_value] = 0.0
        across = ((np.arange(width) - camera.cx) / camera.fx).astype(np.float32)
        down = ((np.arange(height) - camera.cy) / camera.fy).astype(np.float32)
        if camera.depth_along == "ray":
            z /= np.sqrt(1.0 + across**2 + down[:, None] ** 2)
        return np.stack([z * across, z * down[:, None], z], axis=2)


def _number(value: Any, key: str, path: Path) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not abs(value) <= sys.float_info.max:
        raise UserError(f"{path}: {key}: a number is expected, not {str(value)[:40]!r}")
    if key in _POSITIVE and value <= 0:
        raise UserError(f"{path}: {key}: must be above 0 (got {value})")
    return float(value)
