"""DCRDF-Net as a detector: its training and its maps."""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from dcrdf.config.detectors import DcrdfNetOptions
from dcrdf.detectors.base import Detector
from dcrdf.detectors.dcrdf_net.network import BranchOutput, DcrdfNetwork
from dcrdf.detectors.dcrdf_net.objective import Objective
from dcrdf.detectors.maps import Maps
from dcrdf.detectors.reverse_distillation.good_images import (
    MAX_PLACES,
    BranchFeatures,
    GoodImages,
)
from dcrdf.detectors.reverse_distillation.shown_orientations import shown_orientations
from dcrdf.modalities import MODALITIES, OTHER, Modality
from dcrdf.networks.teacher import Teacher
from dcrdf.tensors.orientation import some_of
from dcrdf.tensors.scans import ScanBatch, Scans
from dcrdf.training.batches import CleanBatches
from dcrdf.training.features import FeatureSource, batch_features
from dcrdf.training.loop import FitContext, Losses, train_in_epochs
from dcrdf.training.twins import PseudoAnomalies, TwinBatches


class DcrdfNet(Detector):
    """Reverse-distillation students for colour and height, refined and fused as the options say."""

    network: DcrdfNetwork

    def __init__(self, teacher: Teacher, options: DcrdfNetOptions) -> None:
        super().__init__(teacher, options)
        self.network = DcrdfNetwork(teacher.shape, options)

    def fit(self, train: Scans, variants: PseudoAnomalies | None, context: FitContext) -> None:
        """Train the network on cached teacher features."""
        self.to(context.device)
        orientations = shown_orientations(self.options.augment, self.teacher, train, context)
        self.network.is_learnt[torch.from_numpy(orientations)] = True
        self._train(train, variants, context, orientations)
        self.fit_normality(train, context)

    def _train(
        self,
        train: Scans,
        variants: PseudoAnomalies | None,
        context: FitContext,
        orientations: NDArray[np.intp],
    ) -> None:
        objective = Objective(self.network, self.options, train.size)
        if variants is None:
            clean = CleanBatches(self.teacher, train, context, orientations)

            def step(rows: NDArray[np.intp], epoch: int) -> Losses:
                return objective(clean(rows, epoch), None, None)

        else:
            twins = TwinBatches(self.teacher, train, variants, context, orientations)

            def step(rows: NDArray[np.intp], epoch: int) -> Losses:
                return objective(*twins(rows, epoch))

        train_in_epochs(self.network, step, len(train), context)

    @property
    def orientations(self) -> Sequence[int]:
        """In which orientations it has learnt good images."""
        learnt: list[int] = self.network.is_learnt.nonzero().flatten().tolist()
        return learnt

    @property
    def colour_weight(self) -> torch.nn.Module | None:
        """The gate, where there is one."""
        return self.network.gate

    def fit_normality(self, train: Scans, context: FitContext) -> None:
        """Learn from the good training images how the students usually err.

        Few images are shown in more of the orientations they were learnt in, as far as they give
        new places: small networks learn few places by heart.
        """
        self.network.eval()
        stride = self.teacher.shape.strides[-1]
        shown = some_of(
            self.orientations, orientations_for(MAX_PLACES, len(train), train.size, stride)
        )
        source = FeatureSource(
            self.teacher, train, context.device, context.options.feature_cache_mb, np.array(shown)
        )
        for name in MODALITIES:
            branch = self.network.branch(name)

            def good(name: Modality = name) -> Iterator[BranchFeatures]:
                for features in source.batches(context.options.batch_size):
                    output = self.network.branch(name)(features.of(name))
                    other = features.of(OTHER[name])
                    yield BranchFeatures(output.student, output.shown, other)

            images = GoodImages(len(shown) * len(train), good)
            branch.normality.fit(images, context.seed)
            branch.crossmodal.fit(images, context.seed)

    @torch.no_grad()
    def maps(self, batch: ScanBatch) -> Maps:
        """Maps of the given modalities; both go through the teacher in one pass."""
        outputs = self.network(batch_features(self.teacher, batch))
        if self.map_kind == "raw":
            return self.network.maps(outputs, batch.size)
        return self._normality_maps(outputs, batch.size)

    def _normality_maps(
        self, outputs: Mapping[Modality, BranchOutput], size: tuple[int, int]
    ) -> Maps:
        relative = self.map_kind != "whitened"
        own, crossmodal = {}, {}
        for name, seen in outputs.items():
            branch = self.network.branch(name)
            own[name] = branch.normality.map(seen.student, seen.shown, relative, size)
            other = outputs.get(OTHER[name])
            if self.map_kind == "crossmodal" and other is not None:
                crossmodal[name] = branch.crossmodal.map(
                    seen.student, seen.shown, other.shown, size
                )
        return Maps(own=own, crossmodal=crossmodal)


def orientations_for(places: int, count: int, size: tuple[int, int], stride: int) -> int:
    """In how many orientations so many images have so many places of the stage of that stride."""
    places_of_one = (size[0] // stride) * (size[1] // stride)
    return math.ceil(places / (count * places_of_one))
