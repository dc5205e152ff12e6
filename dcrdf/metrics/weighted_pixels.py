"""The pooled pixel metrics for many weightings of the images at once, exactly.

Each image's normal scores are sorted once. How many of them stand at or above a defect score is
then a table (images x defect scores), and a weighting of the images turns it into pooled counts
by one matrix product. The table is made and used in blocks of defect scores, so that memory does
not grow with their number.
"""

from dataclasses import dataclass, field

import numpy as np

from dcrdf.metrics.defect_pixels import collect_defect_pixels
from dcrdf.metrics.evaluation import aupro_name
from dcrdf.metrics.inputs import Float64Array, FloatArray, Maps, Masks
from dcrdf.metrics.region_overlap import detected_width

BLOCK_CELLS = 1 << 18
"""Defect scores times weightings in one block (2 MB an array)."""


def weighted_pixel_metrics(
    maps: Maps, masks: Masks, limits: tuple[float, ...], weights: Float64Array
) -> dict[str, Float64Array]:
    """Pixel AUROC, AP and AUPRO where image i counts `weights[w, i]` times: metric -> (w,).

    A metric is NaN for a weighting without a region or a normal pixel. Raises UserError.
    """
    defects = collect_defect_pixels(maps, masks)
    # scipy.sparse is slow to import, and evaluation without a bootstrap has no use for it.
    from scipy import sparse

    images = defects.image_pixels.size
    scores, row = np.unique(-defects.scores, return_inverse=True)
    cells = (row, defects.image)
    shape = (scores.size, images)
    pixels = sparse.csr_array((np.ones(row.size), cells), shape=shape)
    overlap = sparse.csr_array((defects.region_share, cells), shape=shape)
    normals = _sorted_normals(maps, masks)
    by_image = np.ascontiguousarray(weights.T)
    sums = _Sums(
        limits=limits,
        normals=(defects.image_pixels - defects.image_defects) @ by_image,
        defects=defects.image_defects @ by_image,
        regions=defects.image_regions @ by_image,
    )
    rows = max(1, BLOCK_CELLS // weights.shape[0])
    for start in range(0, scores.size, rows):
        block = slice(start, start + rows)
        above, tied = _normals_at(-scores[block], normals)
        sums.add(
            pixels[block] @ by_image,
            overlap[block] @ by_image,
            above @ by_image,
            tied @ by_image if tied.any() else None,
        )
    return sums.metrics()


def _sorted_normals(maps: Maps, masks: Masks) -> list[FloatArray]:
    """The normal scores of each image, ascending; half precision widened, as it searches slowly."""
    normals: list[FloatArray] = []
    for scores, mask in zip(maps, masks, strict=True):
        widened = np.promote_types(np.asarray(scores).dtype, np.float32)
        normal = np.asarray(scores)[~np.asarray(mask)].astype(widened)
        normal.sort()
        normals.append(normal)
    return normals


def _normals_at(scores: FloatArray, normals: list[FloatArray]) -> tuple[Float64Array, Float64Array]:
    """Normal pixels of each image above, and exactly at, each score: (scores, images)."""
    above = np.empty((len(normals), scores.size))
    tied = np.zeros((len(normals), scores.size))
    for image, ascending in enumerate(normals):
        at_most = np.searchsorted(ascending, scores, side="right")
        above[image] = ascending.size - at_most
        if ascending.size:
            equal = ascending[np.maximum(at_most, 1) - 1] == scores
            if equal.any():
                below = np.searchsorted(ascending, scores[equal], side="left")
                tied[image, equal] = at_most[equal] - below
    return above.T, tied.T


@dataclass
class _Sums:
    """What the metrics are made of, gathered from the highest defect score down.

    Every array ends in the weightings (W,); a block holds B defect scores (B, W).
    """

    limits: tuple[float, ...]
    normals: Float64Array
    defects: Float64Array
    regions: Float64Array
    hits: Float64Array = field(init=False)
    missed_pairs: Float64Array = field(init=False)
    precision: Float64Array = field(init=False)
    areas: list[Float64Array] = field(init=False)

    def __post_init__(self) -> None:
        self.hits = np.zeros_like(self.normals)
        self.missed_pairs = np.zeros_like(self.normals)
        self.precision = np.zeros_like(self.normals)
        self.areas = [np.zeros_like(self.normals) for _ in self.limits]

    def add(
        self,
        pixels: Float64Array,
        overlap: Float64Array,
        above: Float64Array,
        tied: Float64Array | None,
    ) -> None:
        """One block: weighted defect pixels, overlap they bring, normals above and tied."""
        at_or_above = above if tied is None else above + tied
        middle = above if tied is None else above + 0.5 * tied
        self.missed_pairs += np.einsum("bw,bw->w", pixels, middle)
        hits = self.hits + np.cumsum(pixels, axis=0)
        self.precision += (pixels * hits / np.maximum(hits + at_or_above, 1.0)).sum(axis=0)
        self.hits = hits[-1]
        self._add_areas(overlap, above, at_or_above)

    def _add_areas(
        self, overlap: Float64Array, above: Float64Array, at_or_above: Float64Array
    ) -> None:
        """Overlap times the width it is detected over; most blocks lie wholly on one side of a
        limit, where that is nothing, or linear in the rates."""
        present = np.maximum(self.normals, 1.0)
        before = above / present
        after = before if at_or_above is above else at_or_above / present
        lowest, highest = before[0].min(), after[-1].max()
        total = overlap.sum(axis=0)
        rate = np.einsum("bw,bw->w", overlap, 0.5 * (before + after))
        for index, limit in enumerate(self.limits):
            if highest <= limit:
                self.areas[index] += limit * total - rate
            elif lowest < limit:
                width = detected_width(before, after, limit)
                self.areas[index] += (overlap * width).sum(axis=0)

    def metrics(self) -> dict[str, Float64Array]:
        defined = (self.normals > 0) & (self.defects > 0)
        normals = np.where(defined, self.normals, np.nan)
        defects = np.where(defined, self.defects, np.nan)
        regions = np.where(defined, self.regions, np.nan)
        areas = {
            aupro_name(limit): np.minimum(area / regions / limit, 1.0)
            for limit, area in zip(self.limits, self.areas, strict=True)
        }
        return {
            "p_auroc": 1.0 - self.missed_pairs / (normals * defects),
            "p_ap": self.precision / defects,
        } | areas
