"""The per-region overlap curve and the area under it (AUPRO).

For each threshold: the mean over ground-truth regions (8-connected, of all images) of the share
that is detected, against the false-positive rate over all defect-free pixels of the split, those
of good images included. The area up to a limit is divided by that limit. See docs/method.md.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args, overload

import numpy as np

from dcrdf.errors import UserError
from dcrdf.metrics.defect_pixels import DefectPixels, collect_defect_pixels
from dcrdf.metrics.inputs import Float64Array, FloatArray, Maps, Masks, checked_limits
from dcrdf.metrics.pixel_ranks import PixelRanks, rank_collected
from dcrdf.metrics.undefined import undefined

Mode: TypeAlias = Literal["exact", "mvtec100"]
KIT_THRESHOLDS = 100


def pro_curve(maps: Maps, masks: Masks, mode: Mode = "exact") -> tuple[Float64Array, Float64Array]:
    """False-positive rate and mean region overlap, from (0, 0) to (1, 1), joined by lines.

    `exact` holds every bend of the curve over all distinct scores (equal scores are one threshold,
    so that a tie is a ramp); `mvtec100` the 100 thresholds of MVTec 3D-AD's official kit: equally
    spaced ranks of the normal scores, `score > threshold` detects, rates taken from the rank.
    Without a region or a normal pixel both are empty, with an UndefinedMetricWarning.
    Raises UserError for non-finite scores, masks that are not boolean, and shapes that differ.
    """
    _check_mode(mode)
    defects = collect_defect_pixels(maps, masks)
    if missing := _missing(defects):
        undefined("the region-overlap curve", missing)
        return np.empty(0), np.empty(0)
    return _curve(maps, masks, defects, mode)


@overload
def aupro(maps: Maps, masks: Masks, limit: float = 0.3, mode: Mode = "exact") -> float: ...
@overload
def aupro(
    maps: Maps, masks: Masks, limit: Sequence[float], mode: Mode = "exact"
) -> tuple[float, ...]: ...
def aupro(
    maps: Maps, masks: Masks, limit: float | Sequence[float] = 0.3, mode: Mode = "exact"
) -> float | tuple[float, ...]:
    """Area under the region-overlap curve up to the false-positive rate `limit`, divided by it.

    Several limits cost one pass and come back in their order. `mode`, errors: see `pro_curve`.
    NaN with an `UndefinedMetricWarning` without a region or a normal pixel. `mvtec100` has one
    trapezoid below 1 %, and so is far too low at small limits: compare only within a mode.
    """
    _check_mode(mode)
    limits = checked_limits(limit)
    defects = collect_defect_pixels(maps, masks)
    if missing := _missing(defects):
        undefined("AUPRO", missing)
        areas = tuple(float("nan") for _ in limits)
    elif mode == "exact":
        ranks = rank_collected(maps, defects)
        areas = tuple(area_from_ranks(ranks, one) for one in limits)
    else:
        fpr, overlap = _curve(maps, masks, defects, mode)
        areas = tuple(_area_under_points(fpr, overlap, one) for one in limits)
    return areas if np.ndim(limit) else areas[0]


def area_from_ranks(ranks: PixelRanks, limit: float) -> float:
    """Exact AUPRO: every defect score adds its overlap times the width it is detected over."""
    width = detected_width(ranks.fpr_before, ranks.fpr_after, limit)
    return min(float((ranks.overlap_gain * width).sum()) / limit, 1.0)


def detected_width(before: Float64Array, after: Float64Array, limit: float) -> Float64Array:
    """Area on [0, limit] under a curve that rises from 0 at `before` to 1 at `after`."""
    width = np.maximum(limit - 0.5 * (before + after), 0.0)
    cut = (before < limit) & (after > limit)
    if cut.any():
        width[cut] = 0.5 * (limit - before[cut]) ** 2 / (after[cut] - before[cut])
    return width


def _missing(defects: DefectPixels) -> str:
    if defects.scores.size == 0:
        return "no mask holds a defect pixel"
    return "" if defects.normal_pixels else "every pixel is a defect pixel"


def _curve(
    maps: Maps, masks: Masks, defects: DefectPixels, mode: Mode
) -> tuple[Float64Array, Float64Array]:
    if mode == "exact":
        return _exact_points(rank_collected(maps, defects))
    return _kit_points(maps, masks, defects)


def _check_mode(mode: str) -> None:
    if mode not in get_args(Mode):
        raise UserError(f"mode: {mode!r} is unknown; give {' or '.join(get_args(Mode))}")


def _exact_points(ranks: PixelRanks) -> tuple[Float64Array, Float64Array]:
    """Each defect score contributes two bends: where its (possibly tied) group starts and ends."""
    overlap_after = np.minimum(np.cumsum(ranks.overlap_gain), 1.0)
    overlap_after[-1] = 1.0
    overlap_before = np.concatenate(([0.0], overlap_after[:-1]))
    fpr = np.stack((ranks.fpr_before, ranks.fpr_after), axis=1).ravel()
    overlap = np.stack((overlap_before, overlap_after), axis=1).ravel()
    fpr = np.concatenate(([0.0], fpr, [1.0]))
    overlap = np.concatenate(([0.0], overlap, [1.0]))
    moved = (np.diff(fpr) != 0) | (np.diff(overlap) != 0)
    kept = np.concatenate(([True], moved))
    return fpr[kept], overlap[kept]


def _kit_points(
    maps: Maps, masks: Masks, defects: DefectPixels
) -> tuple[Float64Array, Float64Array]:
    normals = _sorted_normals(maps, masks, defects)
    ranks = np.linspace(0, normals.size - 1, num=KIT_THRESHOLDS, dtype=np.int64)[::-1]
    thresholds = normals[ranks]
    order = np.argsort(defects.scores)
    not_detected = np.searchsorted(defects.scores[order], thresholds, side="right")
    missed = np.concatenate(([0.0], np.cumsum(defects.region_share[order])))[not_detected]
    fpr = 1.0 - (ranks + 1) / normals.size
    overlap = np.maximum(1.0 - missed / defects.region_pixels.size, 0.0)
    return np.append(fpr, 1.0), np.append(overlap, 1.0)


def _sorted_normals(maps: Maps, masks: Masks, defects: DefectPixels) -> FloatArray:
    normals = np.empty(defects.normal_pixels, dtype=defects.scores.dtype)
    filled = 0
    for scores, mask in zip(maps, masks, strict=True):
        normal = np.asarray(scores)[~np.asarray(mask)]
        normals[filled : filled + normal.size] = normal
        filled += normal.size
    normals.sort()
    return normals


def _area_under_points(fpr: Float64Array, overlap: Float64Array, limit: float) -> float:
    inside = fpr < limit
    fpr_to_limit = np.append(fpr[inside], limit)
    overlap_to_limit = np.append(overlap[inside], np.interp(limit, fpr, overlap))
    return float(np.trapezoid(overlap_to_limit, fpr_to_limit)) / limit
