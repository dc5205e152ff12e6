"""Crossmodal Reverse Distillation as a detector: its training and its maps."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from dcrdf.config.detectors import CrdOptions
from dcrdf.detectors.base import Detector
from dcrdf.detectors.crd.network import CrdNetwork
from dcrdf.detectors.crd.objective import Objective
from dcrdf.detectors.maps import Maps
from dcrdf.detectors.reverse_distillation.losses import cosine_distances, upsampled_mean
from dcrdf.detectors.reverse_distillation.shown_orientations import shown_orientations
from dcrdf.modalities import MODALITIES, Modality
from dcrdf.networks.teacher import Features, Teacher
from dcrdf.tensors.scans import ScanBatch, Scans
from dcrdf.training.batches import CleanBatches
from dcrdf.training.features import batch_features
from dcrdf.training.loop import FitContext, Losses, train_in_epochs
from dcrdf.training.order import chance_of_batch
from dcrdf.training.twins import PseudoAnomalies


class Crd(Detector):
    """Reverse-distillation students that ask the other modality what to expect."""

    network: CrdNetwork

    def __init__(self, teacher: Teacher, options: CrdOptions) -> None:
        super().__init__(teacher, options)
        self.network = CrdNetwork(teacher.shape, options)

    def fit(self, train: Scans, variants: PseudoAnomalies | None, context: FitContext) -> None:
        """Train both branches on the teacher's features of good scans."""
        self.to(context.device)
        orientations = shown_orientations(self.options.augment, self.teacher, train, context)
        self.network.is_learnt[torch.from_numpy(orientations)] = True
        objective = Objective(self.network, self.options)
        clean = CleanBatches(self.teacher, train, context, orientations)

        def step(rows: NDArray[np.intp], epoch: int) -> Losses:
            return objective(clean(rows, epoch), self._alone(rows, epoch, context.seed))

        train_in_epochs(self.network, step, len(train), context)

    def _alone(self, rows: NDArray[np.intp], epoch: int, seed: int) -> list[Modality]:
        """Whose students see this batch as if the other modality were absent."""
        chance = self.options.modality_dropout
        return [
            name
            for what, name in enumerate(MODALITIES)
            if chance_of_batch(rows, seed, epoch, what) < chance
        ]

    @property
    def orientations(self) -> Sequence[int]:
        """In which orientations it has learnt good images."""
        learnt: list[int] = self.network.is_learnt.nonzero().flatten().tolist()
        return learnt

    @torch.no_grad()
    def maps(self, batch: ScanBatch) -> Maps:
        """A branch's own map is its student's distance from the image, as if the other modality
        were absent; the crossmodal one that of the mix, or of the amplifier alone (`mapping`)."""
        features = batch_features(self.teacher, batch)
        asks = self.map_kind != "raw" and len(features) == len(MODALITIES)
        projected = self.network.project(features) if asks else {}
        students = self.network.own(features, projected)
        own = {name: _map(x, features[name], batch.size) for name, x in students.items()}
        crossmodal = {}
        for name, seen in projected.items():
            expected = seen.amplified
            if self.map_kind == "crossmodal" or expected is None:
                expected = self.network.branch(name)(features[name], seen).output
            crossmodal[name] = _map(expected, features[name], batch.size)
        return Maps(own=own, crossmodal=crossmodal)


def _map(expected: Features, shown: Features, size: tuple[int, int]) -> torch.Tensor:
    """(B, H, W); of a teacher with negative features it may exceed 1."""
    return upsampled_mean(cosine_distances(expected, shown), size)
