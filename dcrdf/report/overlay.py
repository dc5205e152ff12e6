"""A heat map laid over the colour image, for people at the line."""

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.report.figures import Image, Scale, heat_map, outlined


def heat_overlay(rgb: Image, heat: NDArray[np.float32], scale: Scale, threshold: float) -> Image:
    """Colour image and heat side by side on one canvas: the image with what exceeds the threshold
    outlined, then the image tinted by the heat map (H, W); H x 2 W.

    `scale` is fixed by validation images, so pictures of different parts can be compared.
    """
    marked = outlined(rgb, heat > threshold) if (heat > threshold).any() else rgb
    strength = scale.apply(heat)[..., None]
    grey = cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    weight = 0.25 + 0.65 * strength
    tinted = (1.0 - weight) * grey + weight * heat_map(heat, scale)
    return np.ascontiguousarray(np.hstack([marked, np.rint(tinted).astype(np.uint8)]))
