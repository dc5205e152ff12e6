"""Where on a part an anomaly may lie and how strong it is there (paper eq. 1)."""

from typing import Literal

import cv2
import numpy as np

from dcrdf.anomalies.arrays import FloatImage, Mask


def signed_distance_px(foreground: Mask, bounded: bool = True) -> FloatImage:
    """Distance of each pixel centre to the foreground's boundary, positive inside, in pixels.

    A 5 x 5 chamfer distance, within 2.5 % of the exact one at a sixth of its cost. The boundary
    runs between pixels, so that both its sides start at half a pixel. The image's
    own border is no boundary. Distances are infinite where there is none: a mask of one value,
    or `bounded` false (the part fills the frame and the mask's gaps are missing measurements).
    """
    if not bounded or foreground.all() or not foreground.any():
        return np.where(foreground, np.float32(np.inf), np.float32(-np.inf))
    signed = _distance_px(foreground)
    signed -= _distance_px(~foreground)
    signed -= foreground
    signed += np.float32(0.5)
    return signed


def edge_weight(
    distance_px: FloatImage, tau: float, edge: Literal["emphasise", "attenuate"]
) -> FloatImage:
    """w_edge (eq. 1) of a signed distance: exp(-delta / tau), or one minus it for `attenuate`.

    delta is the distance to the boundary on either side over its largest value inside, so that
    with tau = 1 the interior keeps at least exp(-1). Without a boundary the weight is one.
    """
    deepest = float(distance_px.max())
    if np.isinf(deepest):
        return np.ones_like(distance_px)
    falling = np.exp(np.abs(distance_px) * np.float32(-1.0 / (deepest * tau)))
    return falling if edge == "emphasise" else np.float32(1.0) - falling


def spatial_mask(
    distance_px: FloatImage, weight: FloatImage, alpha: float, band_px: float
) -> FloatImage:
    """M_s = min(1, M_f + alpha * w_edge), zero further than `band_px` outside the foreground."""
    mask = weight * np.float32(alpha)
    for operate, boundary_px in ((np.multiply, -band_px), (np.add, 0.0)):
        _, above = cv2.threshold(distance_px, boundary_px, 1.0, cv2.THRESH_BINARY)
        operate(mask, above, out=mask)
    return np.minimum(mask, np.float32(1.0), out=mask)


def _distance_px(mask: Mask) -> FloatImage:
    pixels = mask.view(np.uint8)
    return np.asarray(cv2.distanceTransform(pixels, cv2.DIST_L2, cv2.DIST_MASK_5))
