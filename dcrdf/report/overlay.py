"""A heat map laid over the colour image, for people at the line."""

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.modalities import NOT_JUDGED
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


NOT_JUDGED_COLOUR = (122, 63, 191)
"""As the page has it."""
FRAME_SHARE = 0.03
FONT = cv2.FONT_HERSHEY_SIMPLEX


def marked_as_not_judged(picture: Image) -> Image:
    """A framed copy of the picture that says so: a quiet heat map would pass for a good part."""
    height, width = picture.shape[:2]
    frame_px = max(2, round(FRAME_SHARE * min(height, width)))
    framed = cv2.rectangle(
        picture.copy(), (0, 0), (width - 1, height - 1), NOT_JUDGED_COLOUR, 2 * frame_px
    )
    (text_px, _), _ = cv2.getTextSize(NOT_JUDGED, FONT, 1.0, 1)
    size = 0.4 * width / text_px
    (_, tall_px), _ = cv2.getTextSize(NOT_JUDGED, FONT, size, 1)
    place = (2 * frame_px, 2 * frame_px + tall_px)
    for colour, thickness in (((255, 255, 255), 5.0), (NOT_JUDGED_COLOUR, 2.0)):
        line_px = max(1, round(thickness * size))
        cv2.putText(framed, NOT_JUDGED, place, FONT, size, colour, line_px, cv2.LINE_AA)
    return np.asarray(framed, np.uint8)
