"""The ground truth: where a part with a defect differs from the same part without it."""

import cv2
import numpy as np

from dcrdf.datasets.synthetic.arrays import Mask
from dcrdf.datasets.synthetic.part import Surface

HEIGHT_LIMIT_MM = 0.12
COLOUR_LIMIT = 0.035
SPECK_SHARE = 0.05
SPECK_PX = 4


def defect_mask(sound: Surface, defective: Surface) -> Mask:
    """True (H, W) where height differs by more than `HEIGHT_LIMIT_MM`, or a channel's square
    root of reflectance by more than `COLOUR_LIMIT`.

    Gaps of a pixel are closed; pieces under `SPECK_PX` pixels or under `SPECK_SHARE` of the
    largest piece are dropped. Light and shadow do not count.
    """
    by_height = np.abs(defective.height_mm - sound.height_mm) > HEIGHT_LIMIT_MM
    shades = [np.sqrt(np.maximum(surface.albedo, 0.0)) for surface in (sound, defective)]
    by_colour = np.abs(shades[1] - shades[0]).max(axis=2) > COLOUR_LIMIT
    raw = (by_height | by_colour).astype(np.uint8)
    closed = cv2.morphologyEx(raw, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return _without_specks(closed)


def _without_specks(mask: np.ndarray) -> Mask:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count == 1:
        return np.zeros(mask.shape, np.bool_)
    areas_px = stats[:, cv2.CC_STAT_AREA]
    limit_px = max(SPECK_PX, SPECK_SHARE * areas_px[1:].max())
    kept = areas_px >= limit_px
    kept[0] = False
    return np.asarray(kept[labels], np.bool_)
