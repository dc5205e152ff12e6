"""A patch memory bank on the teacher's features of each modality.

PatchCore's idea (Roth et al., CVPR 2022): pooled features of two stages, some of the training
patches, the distance to the nearest one. Which patches, how many and what a distance counts are
options; the default is its plainest form, a random draw. Fitted once, no epochs.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from dcrdf.config.detectors import MemoryBankOptions
from dcrdf.detectors.base import Detector
from dcrdf.detectors.maps import Maps
from dcrdf.detectors.patch_bank.bank import PatchBank
from dcrdf.detectors.patch_bank.choice import Say
from dcrdf.detectors.patch_bank.patches import joined_stages
from dcrdf.detectors.patch_bank.places import Places
from dcrdf.modalities import MODALITIES, OTHER, Modality
from dcrdf.networks.teacher import Teacher
from dcrdf.tensors.scans import ScanBatch, Scans
from dcrdf.training.features import CHUNK
from dcrdf.training.loop import FitContext
from dcrdf.training.twins import PseudoAnomalies


class MemoryBank(Detector):
    """Nearest-neighbour distance of patches, per modality."""

    def __init__(self, teacher: Teacher, options: MemoryBankOptions) -> None:
        super().__init__(teacher, options)
        self.banks = {name: PatchBank(options) for name in MODALITIES}
        self.network = nn.ModuleDict(self.banks)

    @torch.no_grad()
    def fit(self, train: Scans, variants: PseudoAnomalies | None, context: FitContext) -> None:
        """Fill both banks from the training images' patches, chosen with the run's seed."""
        self.to(context.device)
        generator = torch.Generator().manual_seed(context.seed)
        for name, bank in self.banks.items():
            bank.fill(self._places(train, name, context.device), generator, _saying(name, context))

    def _places(self, train: Scans, modality: Modality, device: torch.device) -> Places:
        """All places of the training images in one modality."""

        def rows(first: int, last: int) -> Tensor:
            images = train[first:last].without(OTHER[modality]).batch(device).images[modality]
            return self._patches(images)[0]

        def chunks() -> Iterator[Tensor]:
            return (rows(first, first + CHUNK) for first in range(0, len(train), CHUNK))

        per_image, channels = rows(0, 1).shape
        return Places(len(train) * per_image, channels, chunks)

    def _patches(self, images: Tensor) -> tuple[Tensor, tuple[int, int, int]]:
        """The teacher's features of the chosen stages, each neighbourhood averaged, as rows
        (B * h * w, C), and (B, h, w)."""
        features = self.teacher(images)
        chosen = [features[stage - 1] for stage in self.options.stages]
        size = (chosen[0].shape[2], chosen[0].shape[3])
        joined = joined_stages(chosen, self.options.patch_pool, size)
        return joined.permute(0, 2, 3, 1).flatten(0, 2), (joined.shape[0], *size)

    @torch.no_grad()
    def maps(self, batch: ScanBatch) -> Maps:
        """Distances at the first chosen stage's size, upsampled bilinearly to the image's."""
        own = {}
        for name, images in batch.images.items():
            queries, shape = self._patches(images)
            distances = self.banks[name].distances(queries).view(shape)
            own[name] = functional.interpolate(
                distances.unsqueeze(1), batch.size, mode="bilinear", align_corners=False
            ).squeeze(1)
        return Maps(own=own)


def _saying(modality: Modality, context: FitContext) -> Say:
    return lambda text: context.say(f"{modality}: {text}")
