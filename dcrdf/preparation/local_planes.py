"""The plane around every pixel, by weighted least squares over a small window."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Vectors = NDArray[np.float32]

RADIUS_SIGMAS = 3
MIN_WINDOW_SHARE = 0.35
"""Of a full window's weight; below it no normal is given."""
MIN_DETERMINANT = 1e-3
"""Of the second moments (px^4) of the known pixels' places; below it they lie on a line."""


def fit_normals(
    xyz_m: Vectors, known: Mask, sigma_px: float, centre_m: NDArray[np.float64]
) -> tuple[Vectors, Mask]:
    """Unit normals (H, W, 3) towards the camera, and where they are given; zero elsewhere.

    Around each pixel the points are fitted by p = a + b du + c dv under a Gaussian window times
    `known`; the normal is b x c. `xyz_m` (H, W, 3) are points less their `centre_m`, so that a
    distant scan loses no digits; they are zero where not `known`.
    """
    radius_px = math.ceil(RADIUS_SIGMAS * sigma_px)
    steps = np.arange(-radius_px, radius_px + 1, dtype=np.float64)
    window = np.exp(-0.5 * (steps / sigma_px) ** 2)
    kernels = [window / window.sum() * steps**power for power in range(3)]

    def moment(image: NDArray[np.float32], in_u: int, in_v: int) -> NDArray[np.float32]:
        moments = cv2.sepFilter2D(
            image, cv2.CV_32F, kernels[in_u], kernels[in_v], borderType=cv2.BORDER_CONSTANT
        )
        return np.asarray(moments, np.float32)

    seen = known.astype(np.float32)
    weight = moment(seen, 0, 0)
    enough = weight >= MIN_WINDOW_SHARE
    weight = np.maximum(weight, np.float32(MIN_WINDOW_SHARE))
    u, v = moment(seen, 1, 0) / weight, moment(seen, 0, 1) / weight
    uu = moment(seen, 2, 0) / weight - u * u
    uv = moment(seen, 1, 1) / weight - u * v
    vv = moment(seen, 0, 2) / weight - v * v
    point_m = moment(xyz_m, 0, 0) / weight[..., None]
    pu = moment(xyz_m, 1, 0) / weight[..., None] - point_m * u[..., None]
    pv = moment(xyz_m, 0, 1) / weight[..., None] - point_m * v[..., None]
    # The determinant only scales b and c.
    b = vv[..., None] * pu - uv[..., None] * pv
    c = uu[..., None] * pv - uv[..., None] * pu
    normals = np.cross(b, c)
    length = np.linalg.norm(normals, axis=-1)
    given = enough & (uu * vv - uv * uv > MIN_DETERMINANT) & (length > 0.0)
    away = np.einsum("hwk,hwk->hw", normals, point_m + centre_m.astype(np.float32)) > 0.0
    scale = np.divide(np.where(away, -1.0, 1.0), length, out=np.zeros_like(length), where=given)
    return normals * scale[..., None].astype(np.float32), given
