"""The patch memory bank as the configuration sees it."""

from collections.abc import Mapping
from typing import Any, Literal

from dcrdf.config.detectors.base import DetectorInfo
from dcrdf.config.detectors.patch_bank import PatchBankOptions
from dcrdf.config.options import Distinct


class MemoryBankOptions(PatchBankOptions):
    """A patch memory bank on the teacher's features of both modalities.

    `stages`: those whose features are joined, each averaged over `patch_pool` x `patch_pool`.
    `select`: which of all places are remembered, drawn at `random`, or chosen to stand for all:
    the real places nearest to the centres of k-means (`kmeans`), or each the farthest from those
    before it (`k_centre`). Both are found on at most `sampled_max` places that are drawn at random,
    and compared in `projection` orthogonal directions, drawn at random (0: as they are).
    `bank_size`: how many; null: `bank_share` of all, at most `bank_max`; `elbow`: as the curve of
    k-means says. `bank_precision`: how patches are stored; distances are float32.
    `reweight`: so many neighbours of the nearest patch say how much its distance counts (PatchCore,
    eq. 7, at every place); 0: it counts as it is.
    """

    stages: Distinct[Literal[1, 2, 3]] = (2, 3)
    patch_pool: Literal[1, 3, 5, 7] = 3

    def unexportable(self) -> str:
        """With all options it can."""
        return ""


PATCHCORE: Mapping[str, Mapping[str, Any]] = {
    "options": {
        "select": "k_centre",
        "bank_share": 0.1,
        "bank_max": 100_000,
        "sampled_max": 1_000_000,
        "projection": 128,
        "reweight": 9,
    },
    "teacher": {"name": "wide_resnet50_2"},
    "infer": {"fusion": "zscore_sum", "blur_sigma_px": 4.0, "score": "max"},
}
"""PatchCore-10 % (Roth et al., CVPR 2022) as near as two modalities come to it; docs/methods.md
names the differences."""

MEMORY_BANK = DetectorInfo(
    module="dcrdf.detectors.memory_bank.detector:MemoryBank",
    options=MemoryBankOptions,
    presets={
        "default": {"options": {}, "infer": {"fusion": "zscore_sum"}},
        "patchcore": PATCHCORE,
    },
    train_fields=frozenset({"cpu_threads"}),
    own_terms=frozenset({"infer.fusion"}),
)
