"""Names for the array types that the anomaly modules hand to each other."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatImage: TypeAlias = NDArray[np.float32]
"""float32, (H, W) unless the docstring says otherwise."""

ColourImage: TypeAlias = NDArray[np.uint8]
"""uint8 (H, W, 3), red first."""

Mask: TypeAlias = NDArray[np.bool_]
"""bool (H, W)."""


def rows_and_columns(at: NDArray[np.intp], width: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of flat indices; unlike `np.divmod`, the division is vectorised."""
    rows = at // width
    return rows, at - rows * width
