"""Scans without a truth, judged one by one, on the page that tested images have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcrdf.modalities import DEPTH, FUSED, RGB
from dcrdf.report.explore.packing import (
    HEIGHT_PX,
    MAP_SIDES_PX,
    fitted,
    pack_colour,
    pack_heights,
    pack_maps,
)
from dcrdf.report.explore.page import write_page
from dcrdf.report.explore.readings import Reading
from dcrdf.report.figures import Image, height_scale
from dcrdf.results.names import branch_title

MOST_SCANS = 400
"""With more the file grows beyond what one sends: those with the highest scores stay."""
WORDS = {RGB: "colour", DEPTH: "depth", "unusual": "how unlike good parts as a whole"}


@dataclass(frozen=True)
class OwnModel:
    """What judges: its folder, threshold, what is usual in its maps, and gauges of good scans."""

    folder: Path
    threshold: float
    usual: float
    note: str
    good: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class OwnScan:
    """A judged scan; `map` (H, W) float16 and `heights` (H, W) in mm, both made small."""

    name: str
    score: float
    not_judged: str
    aspect: float
    """Width by height."""
    colour: str
    heights: NDArray[np.float32] | None
    map: NDArray[np.float16]
    gauges: Mapping[str, float]


def small_scan(
    name: str,
    score: float,
    not_judged: str,
    picture: Image,
    points_m: NDArray[np.float32] | None,
    heat: NDArray[np.float32],
    gauges: Mapping[str, float],
) -> OwnScan:
    """A scan's picture (H, W, 3), points (H, W, 3) in metres and map (H, W), as far as they are
    shown: some 100 kB."""
    return OwnScan(
        name,
        score,
        not_judged,
        picture.shape[1] / picture.shape[0],
        pack_colour(picture),
        None if points_m is None else heights_mm(points_m),
        fitted(heat, MAP_SIDES_PX[0]).astype(np.float16),
        gauges,
    )


def heights_mm(points_m: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Heights over the plane that fits a scan's distances best, towards the camera, of every n-th
    point (at most 128 a side); what is missing lies lowest. None where nothing was measured."""
    step = -(-max(points_m.shape[:2]) // HEIGHT_PX)
    distance_mm = 1e3 * np.abs(points_m[::step, ::step, 2].astype(np.float64))
    is_there = np.isfinite(distance_mm) & (distance_mm > 0.0)
    if is_there.sum() < 3:
        return None
    rows, columns = np.indices(distance_mm.shape)
    terms = np.stack([rows, columns, np.ones_like(rows)], axis=-1).astype(np.float64)
    plane, *_ = np.linalg.lstsq(terms[is_there], distance_mm[is_there], rcond=None)
    height = terms @ plane - np.where(is_there, distance_mm, 0.0)
    return np.where(is_there, height, height[is_there].min()).astype(np.float32)


class OwnGallery:
    """The scans of one call, of which those with the highest scores are kept."""

    def __init__(self, model: OwnModel) -> None:
        self._model = model
        self._scans: list[OwnScan] = []
        self._seen = 0

    def add(self, scan: OwnScan) -> None:
        """One more; beyond `MOST_SCANS` the one with the lowest score goes."""
        self._seen += 1
        self._scans.append(scan)
        if len(self._scans) > MOST_SCANS:
            scores = [one.score for one in self._scans]
            del self._scans[scores.index(min(scores))]

    def write(self, path: Path) -> None:
        """Write the page, unless there is no scan; `UserError` where it cannot be written."""
        if self._scans:
            write_page(path, self._data(), self._title())

    def _title(self) -> str:
        count = len(self._scans)
        if count < self._seen:
            return f"{count} of {self._seen} scans, those with the highest scores"
        return f"{count} {'scan' if count == 1 else 'scans'}"

    def _data(self) -> dict[str, Any]:
        scans, model = self._scans, self._model
        images = [
            {"name": one.name, "kind": "", "isDefect": False, "area": 0.0,
             "aspect": round(one.aspect, 4)} for one in scans
        ]  # fmt: skip
        packed = pack_maps([one.map for one in scans], MAP_SIDES_PX[0])
        fused = packed.to_dict() | {
            "title": branch_title(FUSED), "usual": model.usual, "threshold": model.threshold,
        }  # fmt: skip
        run = {
            "name": model.folder.name,
            "label": "",
            "model": model.folder.as_posix(),
            "prepared": 0,
            "threshold": model.threshold,
            "note": model.note,
            "scores": {FUSED: [one.score for one in scans]},
            "validation": list(model.good.get(f"{FUSED}.score", ())),
            "notJudged": [one.not_judged for one in scans],
            "maps": {FUSED: fused},
            "overlap": None,
            "auroc": None,
        }
        return {
            "category": "",
            "hasTruth": False,
            "images": images,
            "prepared": [_pictures(scans)],
            "runs": [run],
            "readings": [one.to_dict() for one in _readings(scans, model.good)],
        }


def _pictures(scans: Sequence[OwnScan]) -> dict[str, Any]:
    known = [one.heights for one in scans if one.heights is not None]
    heights = pack_heights(known)
    texts = iter(heights.images)
    scale = height_scale(np.concatenate([one.ravel() for one in known])) if known else (0.0, 1.0)
    return {
        "colour": [one.colour for one in scans],
        "heights": heights.to_dict()
        | {"images": ["" if one.heights is None else next(texts) for one in scans]},
        "shown": list(scale),
        "mm": [0.0, 1.0],
        "outlines": [[] for _ in scans],
    }


def _readings(scans: Sequence[OwnScan], good: Mapping[str, Sequence[float]]) -> list[Reading]:
    """Gauges that every scan has and good scans had, but scores."""
    names = [name for name in good if all(name in one.gauges for one in scans)]
    found = []
    for name in (one for one in names if good[one] and not one.endswith(".score")):
        branch, _, what = name.partition(".")
        title = f"{WORDS.get(branch, branch)}: {WORDS.get(what, what.replace('_', ' '))}"
        values = np.array([one.gauges[name] for one in scans])
        found.append(Reading(title, "", values, float(good[name][0]), float(good[name][-1])))
    return found
