"""A plain patch memory bank on the teacher's features of each modality.

The idea of PatchCore (Roth et al., CVPR 2022) at its plainest: pooled features of two stages, a
random subset of the training patches, the distance to the nearest one. Fitted once, no epochs.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from dcrdf.config.detectors import MemoryBankOptions
from dcrdf.detectors.base import Detector
from dcrdf.detectors.maps import Maps
from dcrdf.modalities import MODALITIES, Modality
from dcrdf.networks.teacher import Features, Teacher
from dcrdf.tensors.scans import ScanBatch, Scans
from dcrdf.training.features import CHUNK, teacher_features
from dcrdf.training.loop import FitContext
from dcrdf.training.twins import PseudoAnomalies

QUERY_CHUNK = 4096


class PatchBank(nn.Module):
    """Remembered patches (n, C) of one modality."""

    patches: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("patches", torch.empty(0, 0))

    def distances(self, queries: Tensor) -> Tensor:
        """Euclidean distance of each query (m, C) to its nearest patch: (m,)."""
        nearest = [
            torch.cdist(chunk, self.patches).amin(dim=1) for chunk in queries.split(QUERY_CHUNK)
        ]
        return torch.cat(nearest)


class MemoryBank(Detector):
    """Nearest-neighbour distance of patches, per modality."""

    def __init__(self, teacher: Teacher, options: MemoryBankOptions) -> None:
        super().__init__(teacher, options)
        self.banks = {name: PatchBank() for name in MODALITIES}
        self.network = nn.ModuleDict(self.banks)

    @torch.no_grad()
    def fit(self, train: Scans, variants: PseudoAnomalies | None, context: FitContext) -> None:
        """Fill both banks from the training images' patches, drawn with the run's seed."""
        self.to(context.device)
        generator = torch.Generator().manual_seed(context.seed)
        chosen: dict[Modality, Tensor] = {}
        for start in range(0, len(train), CHUNK):
            features = teacher_features(self.teacher, train[start : start + CHUNK], context.device)
            for name, bank in self.banks.items():
                patches, (_, height, width) = self._patches(features.of(name))
                per_image = height * width
                if name not in chosen:  # the first images tell how many places there are in all
                    chosen[name] = self._draw(len(train) * per_image, generator)
                    bank.patches = patches.new_empty(len(chosen[name]), patches.shape[1])
                _keep_chosen(bank, patches, start * per_image, chosen[name])

    def _draw(self, places: int, generator: torch.Generator) -> Tensor:
        """Which of all places are remembered, in which order."""
        count = min(self.options.bank_max, round(self.options.bank_share * places))
        return torch.randperm(places, generator=generator)[: max(count, 1)]

    def _patches(self, features: Features) -> tuple[Tensor, tuple[int, int, int]]:
        """Features of the chosen stages, each neighbourhood averaged, as rows (B * h * w, C)."""
        pool = self.options.patch_pool
        chosen = [features[stage - 1] for stage in self.options.stages]
        size = (chosen[0].shape[2], chosen[0].shape[3])
        pooled = [functional.avg_pool2d(x, pool, stride=1, padding=pool // 2) for x in chosen]
        joined = torch.cat(
            [functional.interpolate(x, size, mode="bilinear", align_corners=False) for x in pooled],
            dim=1,
        )
        return joined.permute(0, 2, 3, 1).flatten(0, 2), (len(joined), *size)

    @torch.no_grad()
    def maps(self, batch: ScanBatch) -> Maps:
        """Distances at the first chosen stage's size, upsampled bilinearly to the image's."""
        own = {}
        for name, images in batch.images.items():
            queries, shape = self._patches(self.teacher(images))
            distances = self.banks[name].distances(queries).view(shape)
            own[name] = functional.interpolate(
                distances.unsqueeze(1), batch.size, mode="bilinear", align_corners=False
            ).squeeze(1)
        return Maps(own=own)


def _keep_chosen(bank: PatchBank, patches: Tensor, first: int, chosen: Tensor) -> None:
    """Remember those of the patches (n, C) of places `first` and following that were chosen."""
    here = (chosen >= first) & (chosen < first + len(patches))
    at = (chosen[here] - first).to(patches.device)
    bank.patches[here.to(patches.device)] = patches[at]
