"""Antialiased resampling of colours and masks, as Pillow does it: a sparse matrix for each axis.

Weights are whole multiples of 2**-22 as Pillow's are, so that every sum is exact and the answer
does not depend on the order of summation.
"""

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dcrdf.preparation.resize import Placement

Kernel = Literal["triangle", "cubic"]

SUPPORT = {"triangle": 1.0, "cubic": 2.0}
ONE = 2.0**22
"""What weights of 1 are stored as."""


@lru_cache(maxsize=16)
def resampling_matrix(source: int, target: int, kernel: Kernel) -> csr_array:
    """Weights (target, source) of one axis, float64 multiples of 1 with `ONE` standing for 1.

    The kernel is as wide as a target pixel where the axis shrinks, and as a source pixel where it
    grows. `cubic` is Keys' with a = -0.5.
    """
    scale = source / target
    centres = (np.arange(target) + 0.5) * scale
    distance = np.abs(np.arange(source) + 0.5 - centres[:, None]) / max(scale, 1.0)
    weights = _KERNELS[kernel](distance) * (distance < SUPPORT[kernel])
    return csr_array(np.rint(ONE * weights / weights.sum(axis=1, keepdims=True)))


def resample_colour(
    rgb: NDArray[np.uint8], placement: Placement, kernel: Kernel
) -> NDArray[np.uint8]:
    """Colour (h, w, 3) at the placement's size: columns first, then rows, rounded after each."""
    rows, columns = rgb.shape[:2]
    narrow = _weighed(rgb.swapaxes(0, 1), resampling_matrix(columns, placement.width, kernel))
    return _rounded(
        _weighed(_rounded(narrow).swapaxes(0, 1), resampling_matrix(rows, placement.height, kernel))
    )


def resample_mask(
    mask: NDArray[np.bool_], placement: Placement, above: Literal["half", "any"]
) -> NDArray[np.bool_]:
    """A mask (h, w) by the triangle: True where more than half of a pixel was, or anything."""
    rows, columns = mask.shape
    narrow = _weighed(mask.T, resampling_matrix(columns, placement.width, "triangle"))
    share = _weighed(narrow.T, resampling_matrix(rows, placement.height, "triangle"))
    covered: NDArray[np.bool_] = share > (ONE * ONE / 2.0 if above == "half" else 0.0)
    return covered


def _weighed(image: NDArray[Any], matrix: csr_array) -> NDArray[np.float64]:
    """`matrix` applied to the first axis."""
    flat = image.reshape(len(image), -1).astype(np.float64)
    weighed: NDArray[np.float64] = matrix @ flat
    return weighed.reshape(-1, *image.shape[1:])


def _rounded(sums: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.floor(sums / ONE + 0.5).clip(0.0, 255.0).astype(np.uint8)


def _triangle(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1.0 - distance


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    near = (1.5 * distance - 2.5) * distance * distance + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    return np.where(distance < 1.0, near, far)


_KERNELS = {"triangle": _triangle, "cubic": _cubic}
