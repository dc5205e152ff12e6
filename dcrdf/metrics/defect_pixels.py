"""The defect pixels of a test split: their scores, and the ground-truth regions they form."""

from dataclasses import dataclass

import numpy as np

from dcrdf.metrics.inputs import (
    BoolArray,
    Float64Array,
    FloatArray,
    IntArray,
    Maps,
    Masks,
    checked_pairs,
)


@dataclass(frozen=True)
class DefectPixels:
    """P defect pixels in R regions (8-connected components of one mask) of N images."""

    scores: FloatArray
    """(P,) in the common type of all maps."""
    image: IntArray
    """(P,) the image of each pixel."""
    region: IntArray
    """(P,) the region of each pixel, counted over all images."""
    region_pixels: IntArray
    """(R,) pixels of each region."""
    image_regions: IntArray
    """(N,) regions of each image."""
    image_pixels: IntArray
    """(N,) pixels of each image, good ones included."""

    @property
    def region_share(self) -> Float64Array:
        """(P,) the share of its region that each pixel makes up."""
        return 1.0 / self.region_pixels[self.region]

    @property
    def image_defects(self) -> IntArray:
        """(N,) defect pixels of each image."""
        return np.bincount(self.image, minlength=self.image_pixels.size)

    @property
    def normal_pixels(self) -> int:
        """Pixels outside all regions, those of good images included."""
        return int(self.image_pixels.sum()) - self.scores.size


def collect_defect_pixels(maps: Maps, masks: Masks) -> DefectPixels:
    """Check every map and mask, and take the defect pixels out. Raises UserError."""
    scores: list[FloatArray] = []
    regions: list[IntArray] = []
    image_pixels: list[int] = []
    image_regions: list[int] = []
    map_types: set[np.dtype] = set()
    for map_scores, mask in checked_pairs(maps, masks):
        positions = np.flatnonzero(mask)
        labels = label_regions(mask, positions)
        scores.append(map_scores.ravel()[positions])
        regions.append(labels + sum(image_regions))
        image_regions.append(int(labels.max()) + 1 if labels.size else 0)
        image_pixels.append(mask.size)
        map_types.add(map_scores.dtype)
    region = np.concatenate(regions)
    return DefectPixels(
        scores=np.concatenate(scores, dtype=np.result_type(*map_types)),
        image=np.repeat(np.arange(len(scores)), [part.size for part in scores]),
        region=region,
        region_pixels=np.bincount(region, minlength=sum(image_regions)),
        image_regions=np.array(image_regions, dtype=np.int64),
        image_pixels=np.array(image_pixels, dtype=np.int64),
    )


def label_regions(mask: BoolArray, positions: IntArray) -> IntArray:
    """The 8-connected region (0, 1, ...) of each True pixel; `positions` is `flatnonzero(mask)`."""
    if positions.size == 0:
        return np.empty(0, dtype=np.int64)
    # OpenCV labels several times faster than ndimage, and faster still on the smallest window.
    import cv2

    rows, columns = np.divmod(positions, mask.shape[1])
    top, left = rows[0], columns.min()
    window = mask[top : rows[-1] + 1, left : columns.max() + 1]
    _, labels = cv2.connectedComponents(window.astype(np.uint8), connectivity=8)
    return np.asarray(labels[rows - top, columns - left], dtype=np.int64) - 1
