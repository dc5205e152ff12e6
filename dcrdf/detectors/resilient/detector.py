"""Modality-resilient detection: banks of colour and of geometry, and a stand-in for either.

Xu, Yuan, Yang, Yan, Sensors 2025, 25, 6529; docs/resilient.md says what is theirs and what is ours.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from dcrdf.config.detectors import ResilientOptions
from dcrdf.config.options import CROSSMODAL_KINDS
from dcrdf.detectors.base import Detector
from dcrdf.detectors.maps import Maps
from dcrdf.detectors.resilient.banks import Banks
from dcrdf.detectors.resilient.features import FeatureMaps, Seen
from dcrdf.detectors.resilient.place_maps import PlaceMaps, Want
from dcrdf.detectors.resilient.stand_ins import StandIns
from dcrdf.detectors.resilient.training_places import TrainingPlaces
from dcrdf.detectors.resilient.transfer import Joint, transfer_of
from dcrdf.modalities import DEPTH, Modality
from dcrdf.networks.teacher import Teacher
from dcrdf.tensors.scans import ScanBatch, Scans
from dcrdf.training.features import CHUNK
from dcrdf.training.loop import FitContext
from dcrdf.training.twins import PseudoAnomalies


class Resilient(Detector):
    """Distances to remembered features, of what is there and of what stands in for the absent."""

    def __init__(self, teacher: Teacher, options: ResilientOptions) -> None:
        super().__init__(teacher, options)
        self.features = FeatureMaps(teacher.shape, options)
        channels = self.features.channels
        transfer = transfer_of(channels, options)
        self.banks = Banks(channels, options)
        self.stand_in = None if transfer is None else StandIns(transfer, channels, options)
        parts = {"features": self.features, "banks": self.banks, "stand_in": self.stand_in}
        self.network = nn.ModuleDict({name: x for name, x in parts.items() if x is not None})
        uses_student = isinstance(transfer, Joint) and options.bank_features == "student"
        self.student = transfer if uses_student else None

    @property
    def silences_background(self) -> frozenset[Modality]:
        """Geometry exists on the part alone."""
        return frozenset({DEPTH})

    @torch.no_grad()
    def fit(self, train: Scans, variants: PseudoAnomalies | None, context: FitContext) -> None:
        """Features of all training scans, then what stands in, then the banks; all draws are from
        one generator."""

        def batches() -> Iterator[ScanBatch]:
            starts = range(0, len(train), CHUNK)
            chunks = (train[first : first + CHUNK] for first in starts)
            return (x.batch(context.device, self.options.needs()) for x in chunks)

        self.features.fit(batches)
        self.to(context.device)
        self.network.eval()
        generator = torch.Generator().manual_seed(context.seed)
        dtype = getattr(torch, self.options.bank_precision)
        places = TrainingPlaces.of(self.features, self._seen, batches(), len(train), dtype)
        if self.stand_in is not None:
            self.stand_in.learn(places, generator, context.say)
        self.banks.fill(places, self.student, generator, context.say)
        if self.stand_in is not None:
            measure = PlaceMaps(self.banks, self.stand_in, self.student).of_geometry
            self.stand_in.remember(places, measure, generator, context.say)

    def _seen(self, batch: ScanBatch) -> Seen:
        seen: Seen = self.features(self.teacher, batch)
        return seen

    @torch.no_grad()
    def maps(self, batch: ScanBatch) -> Maps:
        """Distances at the features' grid, upsampled bilinearly to the image's."""
        seen = self.features.scaled(self._seen(batch))
        measure = PlaceMaps(self.banks, self.stand_in, self.student)
        want = Want(residuals=self.map_kind in CROSSMODAL_KINDS, stand_ins=self.stand_ins)
        with torch.autocast(batch.inside.device.type, enabled=False):
            return measure(seen, want).each(lambda x: upsampled(x, batch.size))


def upsampled(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps (B, h, w) at the image's size, bilinearly."""
    images = maps.unsqueeze(1)
    return functional.interpolate(images, size, mode="bilinear", align_corners=False).squeeze(1)
