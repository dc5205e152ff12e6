"""All metrics of one test split from one pass over its maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dcrdf.errors import UserError
from dcrdf.metrics.inputs import (
    BoolArray,
    FloatArray,
    Maps,
    Masks,
    checked_labels,
    checked_limits,
    checked_scores,
)
from dcrdf.metrics.pixel_ranks import PixelRanks, rank_pixels
from dcrdf.metrics.ranking import (
    AlarmCounts,
    auroc,
    auroc_from_counts,
    average_precision,
    average_precision_from_counts,
    f1_max,
)
from dcrdf.metrics.region_overlap import area_from_ranks
from dcrdf.metrics.undefined import undefined

LIMITS = (0.30, 0.10, 0.05, 0.01)
"""The false-positive rates up to which AUPRO is reported."""


@dataclass(frozen=True)
class Evaluation:
    """Image and pooled pixel metrics of one test split; an undefined one is NaN."""

    i_auroc: float
    i_ap: float
    i_f1max: float
    p_auroc: float
    p_ap: float
    aupro: dict[float, float]
    """Limit -> area."""
    good_images: int
    defect_images: int
    regions: int
    defect_pixels: int
    normal_pixels: int

    def values(self) -> dict[str, float]:
        """Metrics by the names they have in result files (`i_auroc`, ..., `aupro_30`, ...)."""
        named = {name: float(getattr(self, name)) for name in SCALAR_METRICS}
        return named | {aupro_name(limit): area for limit, area in self.aupro.items()}


SCALAR_METRICS = ("i_auroc", "i_ap", "i_f1max", "p_auroc", "p_ap")


def aupro_name(limit: float) -> str:
    """`aupro_30` for 0.30, `aupro_05` for 0.05, `aupro_00.5` for 0.005."""
    percent = round(100 * limit, 6)
    return f"aupro_{percent:02.0f}" if percent == int(percent) else f"aupro_{percent:04g}"


def evaluate(
    maps: Maps,
    masks: Masks,
    image_scores: Any,
    labels: Any,
    limits: float | Sequence[float] = LIMITS,
) -> Evaluation:
    """Every metric of one test split, exactly.

    maps: (N, H, W) floating point, or a sequence of N arrays (H_i, W_i) that can be read twice.
    masks: boolean, shaped alike. image_scores: (N,). labels: (N,), True or 1 is defect; they are
    not derived from the masks, which may have lost a small region to resizing.

    Memory beyond the maps: some 20 MB; at worst, with few distinct scores, twice the maps.
    Undefined metrics are NaN with an `UndefinedMetricWarning`. Raises UserError for NaN or
    infinite scores, masks that are not boolean, and lengths or shapes that differ.
    """
    scores, is_defect = checked_images(maps, image_scores, labels)
    areas = checked_limits(limits)
    ranks = rank_pixels(maps, masks)
    missing = _missing(ranks)
    return Evaluation(
        i_auroc=auroc(scores, is_defect),
        i_ap=average_precision(scores, is_defect),
        i_f1max=f1_max(scores, is_defect),
        p_auroc=undefined("pixel AUROC", missing) if missing else pixel_auroc(ranks),
        p_ap=undefined("pixel AP", missing) if missing else pixel_average_precision(ranks),
        aupro={
            limit: undefined("AUPRO", missing) if missing else area_from_ranks(ranks, limit)
            for limit in areas
        },
        good_images=int((~is_defect).sum()),
        defect_images=int(is_defect.sum()),
        regions=ranks.regions,
        defect_pixels=int(ranks.defect_pixels.sum()),
        normal_pixels=ranks.normal_pixels,
    )


def checked_images(maps: Maps, image_scores: Any, labels: Any) -> tuple[FloatArray, BoolArray]:
    """Image scores and labels, one for every map."""
    scores = checked_scores(image_scores, "image_scores")
    if scores.size != len(maps):
        raise UserError(f"image_scores: there are {scores.size} scores for {len(maps)} maps")
    return scores, checked_labels(labels, np.shape(image_scores))


def pixel_auroc(ranks: PixelRanks) -> float:
    """AUROC of the pooled pixels."""
    return float(auroc_from_counts(_with_bends(ranks)))


def pixel_average_precision(ranks: PixelRanks) -> float:
    """Average precision of the pooled pixels."""
    return float(average_precision_from_counts(_with_bends(ranks)))


def _with_bends(ranks: PixelRanks) -> AlarmCounts:
    """The pooled curve's bends: before and at each defect score, and the end."""
    hits_at = np.cumsum(ranks.defect_pixels)
    hits_before = hits_at - ranks.defect_pixels
    hits = np.stack((hits_before, hits_at), axis=1).ravel()
    alarms = np.stack((ranks.normals_above, ranks.normals_from), axis=1).ravel()
    return AlarmCounts(
        thresholds=np.repeat(ranks.scores, 2),
        true_positives=np.append(hits, hits[-1]),
        false_positives=np.append(alarms, ranks.normal_pixels),
    )


def _missing(ranks: PixelRanks) -> str:
    if ranks.regions == 0:
        return "no mask holds a defect pixel"
    return "" if ranks.normal_pixels else "every pixel is a defect pixel"
