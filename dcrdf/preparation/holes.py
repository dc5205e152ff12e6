"""Filling missing heights so that no hole shows up as an edge."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

Heights = NDArray[np.float32]
Mask = NDArray[np.bool_]

SWEEPS = 8
"""Relaxation sweeps on every level of the pyramid."""
_NEIGHBOURS = np.array([[0.0, 0.2, 0.0], [0.2, 0.2, 0.2], [0.0, 0.2, 0.0]], np.float32)
_INPAINT_RADIUS_PX = 3.0
_MARGIN_PX = 4
_INPAINT_LEVELS = 65535.0


def fill_holes(
    height_m: Heights, valid: Mask, method: str = "push_pull", rounds: int = 2
) -> Heights:
    """`height_m` (H, W) with every pixel outside `valid` estimated from the valid ones.

    Valid pixels come back bit for bit; values outside `valid` are not looked at and may be NaN.
    Without any valid pixel the answer is zero everywhere; so is what `fill_some` leaves unknown.
    """
    return fill_some(height_m, valid, method, rounds)[0]


def fill_some(height_m: Heights, valid: Mask, method: str, rounds: int) -> tuple[Heights, Mask]:
    """`fill_holes`, and which pixels are known now: all, but for `none` and for what lies deeper
    in a hole than so many rounds of `neighbour_mean` reach."""
    known_m = np.where(valid, height_m, np.float32(0.0))
    if valid.all() or not valid.any() or method == "none":
        return known_m, valid
    if method == "neighbour_mean":
        return neighbour_mean(known_m, valid, rounds)
    filled_m = METHODS[method](known_m, valid)
    return np.where(valid, height_m, filled_m), np.ones_like(valid)


def neighbour_mean(known_m: Heights, valid: Mask, rounds: int) -> tuple[Heights, Mask]:
    """In each round every unknown pixel with known ones in its 3 x 3 takes their mean; holes are
    filled from their rim, and what is known grows by a pixel. `known_m` is zero outside `valid`."""
    for _ in range(rounds):
        count = _box_sum(valid.astype(np.float32))
        total_m = _box_sum(known_m)
        new = ~valid & (count > 0.0)
        known_m = np.where(new, total_m / np.maximum(count, np.float32(1.0)), known_m)
        valid = valid | new
    return known_m, valid


def _box_sum(image: Heights) -> Heights:
    summed = cv2.boxFilter(image, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(summed, np.float32)


def push_pull(known_m: Heights, valid: Mask) -> Heights:
    """Validity-weighted means down a pyramid, pulled up again and relaxed inside the holes.

    The relaxation tends to the membrane (harmonic) surface over each hole; the pyramid carries it
    across wide holes, so that a few sweeps on each level are enough.
    """
    weight = valid.astype(np.float32)
    levels = [(known_m, weight)]
    total_m = known_m
    while weight.min() == 0.0:
        total_m, weight = _halved(total_m), _halved(weight)
        levels.append((_divide(total_m, weight), weight))
    surface_m = levels.pop()[0]
    for level_m, weight in reversed(levels):
        known = (weight > 0.0).astype(np.uint8)
        pulled = cv2.resize(surface_m, weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
        cv2.copyTo(level_m, known, pulled)
        surface_m = _relaxed(pulled, 1 - known)
    return surface_m


def telea(known_m: Heights, valid: Mask) -> Heights:
    """Fast marching (Telea 2004)."""
    return _inpaint(known_m, valid, cv2.INPAINT_TELEA)


def navier_stokes(known_m: Heights, valid: Mask) -> Heights:
    """Fluid-dynamics inpainting (Bertalmio et al. 2001)."""
    return _inpaint(known_m, valid, cv2.INPAINT_NS)


def nearest(known_m: Heights, valid: Mask) -> Heights:
    """The value of the nearest valid pixel."""
    missing = (~valid).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(
        missing, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    by_label = np.zeros(int(labels.max()) + 1, np.float32)
    by_label[labels[valid]] = known_m[valid]
    return by_label[labels]


METHODS: Mapping[str, Callable[[Heights, Mask], Heights]] = {
    "push_pull": push_pull,
    "telea": telea,
    "navier_stokes": navier_stokes,
    "nearest": nearest,
}


def _halved(image: Heights) -> Heights:
    rows, columns = image.shape
    half = ((columns + 1) // 2, (rows + 1) // 2)
    return np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.float32)


def _divide(total_m: Heights, weight: Heights) -> Heights:
    return np.divide(total_m, weight, out=np.zeros_like(total_m), where=weight > 0.0)


def _inpaint(known_m: Heights, valid: Mask, flag: int) -> Heights:
    """OpenCV adds steps of about one grey level (so metres become fine levels) and reads beyond
    very narrow images (so they get a margin)."""
    low, high = float(known_m[valid].min()), float(known_m[valid].max())
    scale = (high - low) / _INPAINT_LEVELS or 1.0
    levels = np.where(valid, (known_m - low) / scale, 0.0).astype(np.float32)
    holes = np.pad((~valid).astype(np.uint8), _MARGIN_PX, mode="edge")
    filled = cv2.inpaint(np.pad(levels, _MARGIN_PX, mode="edge"), holes, _INPAINT_RADIUS_PX, flag)
    inner = filled[_MARGIN_PX:-_MARGIN_PX, _MARGIN_PX:-_MARGIN_PX]
    return np.clip(inner * scale + low, low, high).astype(np.float32)


def _relaxed(surface_m: MatLike, holes: NDArray[np.uint8]) -> Heights:
    for _ in range(SWEEPS):
        smooth = cv2.filter2D(surface_m, -1, _NEIGHBOURS, borderType=cv2.BORDER_REPLICATE)
        cv2.copyTo(smooth, holes, surface_m)
    return np.asarray(surface_m, np.float32)
