"""All that the pooled pixel metrics need: where each defect score stands among the pixels."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dcrdf.metrics.counting import count_pixels
from dcrdf.metrics.defect_pixels import DefectPixels, collect_defect_pixels
from dcrdf.metrics.inputs import Float64Array, FloatArray, IntArray, Maps, Masks


@dataclass(frozen=True)
class PixelRanks:
    """One row for each of M distinct defect scores, the highest first.

    Between two of them only normal pixels pass the threshold, so these rows hold the exact ROC,
    precision-recall and region-overlap curves of all pixels.
    """

    scores: FloatArray
    defect_pixels: IntArray
    """(M,) defect pixels with exactly this score."""
    overlap_gain: Float64Array
    """(M,) growth of the mean region overlap when the threshold falls to this score."""
    normals_above: IntArray
    """(M,) normal pixels with a higher score."""
    normals_from: IntArray
    """(M,) normal pixels with this score or a higher one."""
    normal_pixels: int
    regions: int

    @cached_property
    def fpr_before(self) -> Float64Array:
        """(M,) false-positive rate just above each score."""
        return self.normals_above / max(self.normal_pixels, 1)

    @cached_property
    def fpr_after(self) -> Float64Array:
        """(M,) false-positive rate at each score."""
        return self.normals_from / max(self.normal_pixels, 1)


def rank_pixels(maps: Maps, masks: Masks) -> PixelRanks:
    """Place the defect scores of `masks` among all pixels of `maps`. Raises UserError."""
    return rank_collected(maps, collect_defect_pixels(maps, masks))


def rank_collected(maps: Maps, defects: DefectPixels) -> PixelRanks:
    """`rank_pixels` for maps whose defect pixels are collected (and checked) already."""
    values, row = np.unique(defects.scores, return_inverse=True)
    defect_pixels = np.bincount(row, minlength=values.size)
    overlap = np.bincount(row, weights=defects.region_share, minlength=values.size)
    below, at_most = count_pixels(maps, values, int(defects.image_pixels.sum()))
    defects_at_most = np.cumsum(defect_pixels)
    normals_below = below - (defects_at_most - defect_pixels)
    normals_at_most = at_most - defects_at_most
    return PixelRanks(
        scores=values[::-1],
        defect_pixels=defect_pixels[::-1],
        overlap_gain=overlap[::-1] / max(defects.region_pixels.size, 1),
        normals_above=(defects.normal_pixels - normals_at_most)[::-1],
        normals_from=(defects.normal_pixels - normals_below)[::-1],
        normal_pixels=defects.normal_pixels,
        regions=defects.region_pixels.size,
    )
