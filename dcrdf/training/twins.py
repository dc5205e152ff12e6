"""Good images of a step and their perturbed twins."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcrdf.modalities import Modality
from dcrdf.networks.teacher import Teacher
from dcrdf.tensors.orientation import oriented
from dcrdf.tensors.scans import Scans
from dcrdf.training.batches import CleanBatches
from dcrdf.training.features import AS_IT_IS, FeatureSource, ModalityFeatures
from dcrdf.training.loop import FitContext
from dcrdf.training.order import variant_of_rows


@dataclass(frozen=True)
class PseudoAnomalies:
    """V variants of every training sample: arrays (N, V, ...) of colour and height, (N, V, H, W)
    where a variant was changed, and (N, V) each, whether its colour and its height were."""

    rgb: NDArray[np.uint8]
    depth: NDArray[np.floating]
    mask: NDArray[np.bool_]
    changes_rgb: NDArray[np.bool_]
    changes_depth: NDArray[np.bool_]

    def flat(self) -> Scans:
        """All variants as scans (N V), a sample's next to each other."""
        count = self.mask.shape[0] * self.mask.shape[1]
        size = self.mask.shape[2:]
        return Scans(
            inside=np.broadcast_to(np.True_, (count, *size)),
            rgb=self.rgb.reshape(count, *size, 3),
            height=self.depth.reshape(count, *size),
        )


class TwinMasks(NamedTuple):
    """Where the perturbed twins of a batch were changed, (B, H, W) by modality: nowhere in one
    that a variant leaves as it was."""

    rgb: Tensor
    depth: Tensor

    def of(self, modality: Modality) -> Tensor:
        """Where one modality was changed."""
        mask: Tensor = getattr(self, modality)
        return mask

    @property
    def joint(self) -> Tensor:
        """Where either was changed."""
        return self.rgb | self.depth


class TwinBatches:
    """Clean features, their twins' features and masks for the rows of a step."""

    def __init__(
        self,
        teacher: Teacher,
        train: Scans,
        variants: PseudoAnomalies,
        context: FitContext,
        orientations: NDArray[np.intp] = AS_IT_IS,
    ) -> None:
        self._clean = CleanBatches(teacher, train, context, orientations)
        self._variants, self._context, self._orientations = variants, context, orientations
        self._twins = FeatureSource(
            teacher, variants.flat(), context.device, self._clean.budget_left_mb, orientations
        )

    def __call__(
        self, rows: NDArray[np.intp], epoch: int
    ) -> tuple[ModalityFeatures, ModalityFeatures, TwinMasks]:
        """Clean features, and features and masks of the variants whose turn it is."""
        count, per_sample = self._variants.mask.shape[:2]
        turned = self._clean.turns(rows, epoch)
        variant = variant_of_rows(count, per_sample, self._context.seed, epoch)[rows]
        twins = self._twins.rows(rows * per_sample + variant, turned)
        return self._clean(rows, epoch), twins, self._masks(rows, variant, turned)

    def _masks(
        self, rows: NDArray[np.intp], variant: NDArray[np.intp], turned: NDArray[np.intp]
    ) -> TwinMasks:
        """The variants' mask for each modality that they change."""
        mask = oriented(self._variants.mask[rows, variant], self._orientations[turned])
        changed = (self._variants.changes_rgb, self._variants.changes_depth)
        by_modality = (mask & one[rows, variant][:, None, None] for one in changed)
        return TwinMasks(*(torch.from_numpy(one).to(self._context.device) for one in by_modality))
