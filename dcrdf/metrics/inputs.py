"""Checks of what the metrics are given; everything wrong is a UserError that names the argument."""

from collections.abc import Iterator, Sequence
from numbers import Integral, Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dcrdf.errors import UserError

FloatArray: TypeAlias = NDArray[np.floating[Any]]
Float64Array: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]

Maps: TypeAlias = FloatArray | Sequence[FloatArray]
"""(N, H, W), or N arrays (H_i, W_i). It is read more than once, so a sequence that makes its maps
on access (resized to native size, say) keeps only one of them in memory."""

Masks: TypeAlias = BoolArray | Sequence[BoolArray]
"""Boolean, shaped like the maps; True is defect."""


EXACT_INTEGERS = 2.0**53
"""Below it every integer is a float64 of its own."""


def plain_array(values: Any, name: str) -> NDArray[Any]:
    """`values` as an array; `UserError` where rows differ in length or values are masked out."""
    if np.ma.is_masked(values):
        raise UserError(f"{name}: has masked values; give the values to count alone")
    try:
        return np.asarray(values)
    except ValueError:
        raise UserError(f"{name}: its rows differ in length; give an array") from None


def checked_scores(scores: Any, name: str = "scores") -> FloatArray:
    """`scores` as a flat floating-point array: not empty, all finite."""
    array = plain_array(scores, name)
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
        if (np.abs(array) >= EXACT_INTEGERS).any():
            raise UserError(f"{name}: holds integers from 2**53 on, which floats cannot tell apart")
    if array.dtype.kind != "f":
        raise UserError(f"{name}: is of type {array.dtype}; give real numbers")
    if array.size == 0:
        raise UserError(f"{name}: is empty; give at least one score")
    if not np.isfinite(array).all():
        raise UserError(f"{name}: holds NaN or infinite values; a metric needs finite scores")
    return array.ravel()


def checked_labels(labels: Any, shape: tuple[int, ...], name: str = "labels") -> BoolArray:
    """`labels` (True or 1 is defect) as a flat boolean array; `shape` is that of the scores."""
    array = plain_array(labels, name)
    if array.dtype.kind not in "biu":
        raise UserError(f"{name}: is of type {array.dtype}; give booleans or 0 and 1")
    if array.dtype.kind != "b" and not np.isin(array, (0, 1)).all():
        raise UserError(f"{name}: holds other values than 0 (good) and 1 (defect)")
    if array.shape != shape:
        raise UserError(f"{name}: has shape {array.shape}, the scores have {shape}")
    return array.ravel().astype(np.bool_)


def checked_limits(limits: float | Sequence[float]) -> tuple[float, ...]:
    """One or several false-positive-rate limits as floats in (0, 1]."""
    array = np.atleast_1d(plain_array(limits, "limits"))
    if array.size and (array.dtype.kind not in "fiu" or array.ndim > 1):
        raise UserError(f"limits: {limits!r}: give one false-positive rate or a list of them")
    values = tuple(float(limit) for limit in array)
    if not values:
        raise UserError("limits: is empty; give at least one false-positive rate")
    for value in values:
        if not 0.0 < value <= 1.0:
            raise UserError(f"limit: {value} is not a false-positive rate in (0, 1]")
    return values


def checked_fraction(value: float, name: str) -> float:
    """A number strictly between 0 and 1."""
    if not isinstance(value, Real) or not 0.0 < value < 1.0:
        raise UserError(f"{name}: {value!r} is not a number between 0 and 1")
    return float(value)


def checked_whole(value: Any, name: str, least: int) -> int:
    """A whole number from `least` on."""
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or value < least:
        raise UserError(f"{name}: {value!r} is not a whole number from {least} on")
    return int(value)


def check_lengths(maps: Any, masks: Any) -> int:
    """The common number of maps and masks; both must be re-readable sequences."""
    for name, value in (("maps", maps), ("masks", masks)):
        if not hasattr(value, "__len__"):
            raise UserError(f"{name}: cannot be read twice; give an array or a list")
        if isinstance(value, np.ndarray) and value.ndim != 3:
            raise UserError(
                f"{name}: has shape {value.shape}; give (N, H, W) or a list of 2-D arrays"
            )
    if len(maps) == 0:
        raise UserError("maps: is empty; give at least one map")
    if len(maps) != len(masks):
        raise UserError(f"masks: there are {len(masks)} masks for {len(maps)} maps")
    return len(maps)


def checked_pairs(maps: Maps, masks: Masks) -> Iterator[tuple[FloatArray, BoolArray]]:
    """Map and mask of every image, each pair checked as it is reached."""
    check_lengths(maps, masks)
    for index, (map_like, mask_like) in enumerate(zip(maps, masks, strict=True)):
        scores = plain_array(map_like, f"maps: map {index}")
        mask = plain_array(mask_like, f"masks: mask {index}")
        if scores.dtype.kind != "f":
            raise UserError(f"maps: map {index} is of type {scores.dtype}; give floating point")
        if mask.dtype != np.bool_:
            raise UserError(f"masks: mask {index} is of type {mask.dtype}; give bool (mask > 0)")
        if scores.ndim != 2 or scores.size == 0:
            raise UserError(f"maps: map {index} has shape {scores.shape}; give (H, W)")
        if scores.shape != mask.shape:
            raise UserError(
                f"masks: mask {index} has shape {mask.shape}, its map {scores.shape}; resize one"
            )
        if not np.isfinite(scores).all():
            raise UserError(f"maps: map {index} holds NaN or infinite scores")
        yield scores, mask
