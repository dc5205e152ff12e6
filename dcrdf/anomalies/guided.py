"""The guided filter: smooths one image along the structure of another, with box filters only."""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.anomalies.arrays import FloatImage, rows_and_columns


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
        variance = box_mean(image * image, radius_px)
        variance -= mean * mean
        np.maximum(variance, 0.0, out=variance)
        variance += np.float32(eps)
        return cls(image, mean, np.reciprocal(variance, out=variance), radius_px)

    def filter(self, image: FloatImage) -> FloatImage:
        """`image` (H, W) as a locally linear function of the guide, float32 (H, W)."""
        slope, offset = self._fit(image)
        slope *= self.image
        slope += offset
        return slope

    def filter_at(self, image: FloatImage, at: NDArray[np.intp]) -> NDArray[np.float32]:
        """The filtered image at flat indices, (k,); works on their surroundings alone."""
        rows, columns = rows_and_columns(at, image.shape[1])
        window = (self._reach(rows, image.shape[0]), self._reach(columns, image.shape[1]))
        part = Guide(
            self.image[window], self.mean[window], self.inverse_variance[window], self.radius_px
        )
        slope, offset = part._fit(image[window])
        at_part = (rows - window[0].start) * slope.shape[1] + (columns - window[1].start)
        filtered = slope.take(at_part)
        filtered *= self.image.take(at)
        filtered += offset.take(at_part)
        return filtered

    def _fit(self, image: FloatImage) -> tuple[FloatImage, FloatImage]:
        """Mean slope and offset of the windows around a pixel, `image` = slope * guide + offset."""
        mean = box_mean(image, self.radius_px)
        slope = box_mean(image * self.image, self.radius_px)
        product = mean * self.mean
        slope -= product
        slope *= self.inverse_variance
        mean -= np.multiply(slope, self.mean, out=product)
        return box_mean(slope, self.radius_px), box_mean(mean, self.radius_px)

    def _reach(self, places: NDArray[np.intp], size: int) -> slice:
        """The part of an axis that the result at `places` depends on."""
        reach_px = 2 * self.radius_px
        first, last = int(places.min()), int(places.max())
        return slice(max(first - reach_px, 0), min(last + reach_px + 1, size))


def box_mean(image: FloatImage, radius_px: int) -> FloatImage:
    """Mean over squares of 2 * radius_px + 1 pixels; the border mirrors, edge pixels included."""
    side = 2 * radius_px + 1
    return np.asarray(cv2.blur(image, (side, side), borderType=cv2.BORDER_REFLECT))
