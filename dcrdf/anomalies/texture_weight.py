"""How textured the part is at a pixel: anomalies are stronger on texture (paper, T_hat)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.anomalies.arrays import ColourImage, FloatImage, Mask

LOCAL_SIDE_PX = 7
DEVIATION_MIN = 1e-3
"""Grey levels; below it the part counts as untextured."""

EXPONENT_MAX = np.float32(80.0)


def texture_weight(rgb: ColourImage, foreground: Mask) -> FloatImage:
    """T_hat, float32 (H, W) in (0, 1).

    The luminance's gradient magnitude plus its standard deviation in 7 x 7 windows, standardised
    over the foreground, through a sigmoid. A part without any texture has 0.5 everywhere.
    """
    luminance = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    texture = _gradient_magnitude(luminance)
    texture += _local_deviation(luminance)
    mean, deviation = cv2.meanStdDev(texture, mask=foreground.view(np.uint8))
    texture -= np.float32(mean[0, 0])
    texture *= np.float32(-1.0 / max(deviation[0, 0], DEVIATION_MIN))
    np.minimum(texture, EXPONENT_MAX, out=texture)
    np.exp(texture, out=texture)
    texture += np.float32(1.0)
    return np.reciprocal(texture, out=texture)


def _gradient_magnitude(luminance: NDArray[np.uint8]) -> FloatImage:
    """Sobel gradient in grey levels per pixel.

    Not by `cv2.magnitude`, whose last bit depends on where the arrays lie in memory.
    """
    across, down = (
        np.asarray(cv2.multiply(part, part, scale=0.125**2, dtype=cv2.CV_32F), dtype=np.float32)
        for part in cv2.spatialGradient(luminance)
    )
    across += down
    return np.sqrt(across, out=across)


def _local_deviation(luminance: NDArray[np.uint8]) -> FloatImage:
    side = (LOCAL_SIDE_PX, LOCAL_SIDE_PX)
    mean = np.asarray(cv2.boxFilter(luminance, cv2.CV_32F, side), dtype=np.float32)
    variance = np.asarray(cv2.sqrBoxFilter(luminance, cv2.CV_32F, side), dtype=np.float32)
    variance -= np.multiply(mean, mean, out=mean)
    return np.sqrt(np.maximum(variance, 0.0, out=variance), out=variance)
