"""The guided filter: smooths one image along the structure of another, with box filters only."""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.anomalies.arrays import FloatImage


@dataclass(frozen=True)
class Guide:
    """A guide image (H, W) with what does not depend on the filtered image (He et al. 2013)."""

    image: FloatImage
    mean: FloatImage
    inverse_variance: FloatImage
    """1 / (local variance + eps)."""
    radius_px: int

    @classmethod
    def of(cls, image: FloatImage, radius_px: int, eps: float) -> Self:
        """Prepare `image` as guide for windows of 2 * radius_px + 1 pixels."""
        mean = box_mean(image, radius_px)
        variance = np.maximum(box_mean(image * image, radius_px) - mean * mean, 0.0)
        return cls(image, mean, np.float32(1.0) / (variance + np.float32(eps)), radius_px)

    def filter(self, image: FloatImage) -> FloatImage:
        """`image` (H, W) as a locally linear function of the guide, float32 (H, W)."""
        mean = box_mean(image, self.radius_px)
        slope = box_mean(image * self.image, self.radius_px)
        slope -= mean * self.mean
        slope *= self.inverse_variance
        mean -= slope * self.mean
        filtered = box_mean(slope, self.radius_px)
        filtered *= self.image
        filtered += box_mean(mean, self.radius_px)
        return filtered

    def filter_at(self, image: FloatImage, at: NDArray[np.intp]) -> NDArray[np.float32]:
        """The filtered image at flat indices, (k,); works on their surroundings alone."""
        rows, columns = np.divmod(at, image.shape[1])
        window = (self._reach(rows, image.shape[0]), self._reach(columns, image.shape[1]))
        part = Guide(
            self.image[window], self.mean[window], self.inverse_variance[window], self.radius_px
        )
        return part.filter(image[window])[rows - window[0].start, columns - window[1].start]

    def _reach(self, places: NDArray[np.intp], size: int) -> slice:
        """The part of an axis that the result at `places` depends on."""
        reach_px = 2 * self.radius_px
        first, last = int(places.min()), int(places.max())
        return slice(max(first - reach_px, 0), min(last + reach_px + 1, size))


def box_mean(image: FloatImage, radius_px: int) -> FloatImage:
    """Mean over squares of 2 * radius_px + 1 pixels; the border mirrors, edge pixels included."""
    side = 2 * radius_px + 1
    return np.asarray(cv2.blur(image, (side, side), borderType=cv2.BORDER_REFLECT))
