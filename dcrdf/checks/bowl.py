"""Whether depth is a distance along the ray, taken for one along the camera's axis: a bowl.

On a plane, 1 / z is linear in x / z and y / z. A distance r along the ray is z times
rho = sqrt(1 + (x/z)^2 + (y/z)^2), so that 1 / r is that line over rho. Read as z, the logarithm of
rho to the power `bend` is left over: 1 for such distances, 0 for depth as it should be.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RING_SHARE = 0.15
"""Of the shorter side: the border that is looked at, where the background is."""
POINTS = 4096
FEWEST_POINTS = 200
ROUNDS = 4
MAD_TO_SIGMA = 1.4826


class Bend(NamedTuple):
    """The exponent of rho that one scan's border shows, and its standard error."""

    bend: float
    error: float


def border_bend(xyz_m: NDArray[np.float32]) -> Bend | None:
    """The bend of a scan's border, points (H, W, 3); None where too few are there or near the
    border's main surface."""
    ring = np.ones(xyz_m.shape[:2], np.bool_)
    width_px = max(2, round(RING_SHARE * min(ring.shape)))
    ring[width_px:-width_px, width_px:-width_px] = False
    points = xyz_m[ring & (xyz_m[..., 2] != 0.0)].astype(np.float64)
    points = points[:: -(-len(points) // POINTS) or 1]
    if len(points) < FEWEST_POINTS:
        return None
    across, down = points[:, 0] / points[:, 2], points[:, 1] / points[:, 2]
    inverse = 1.0 / points[:, 2]
    inverse = inverse / np.median(inverse)
    terms = np.column_stack(
        [np.ones_like(across), across, down, -0.5 * np.log1p(across**2 + down**2)]
    )
    kept = np.ones(len(points), np.bool_)
    for _ in range(ROUNDS):
        if np.count_nonzero(kept) < FEWEST_POINTS:
            return None
        answer = np.linalg.lstsq(terms[kept], inverse[kept], rcond=None)[0]
        residual = np.abs(inverse - terms @ answer)
        sigma = max(MAD_TO_SIGMA * float(np.median(residual[kept])), 1e-9)
        kept = residual <= 3.0 * sigma
    spread = np.linalg.pinv(terms[kept].T @ terms[kept])[3, 3]
    return Bend(float(answer[3]), float(sigma * np.sqrt(spread)))
