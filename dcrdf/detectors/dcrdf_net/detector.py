"""DCRDF-Net as a detector: its training data and its maps."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcrdf.config.detectors import DcrdfNetOptions
from dcrdf.detectors.base import Detector, NormalSamples, PseudoAnomalies
from dcrdf.detectors.dcrdf_net.network import BranchOutput, DcrdfNetwork
from dcrdf.detectors.dcrdf_net.objective import Objective
from dcrdf.networks.teacher import Features, Teacher
from dcrdf.training.features import FeatureSource, ModalityFeatures
from dcrdf.training.loop import FitContext, Losses, train_in_epochs
from dcrdf.training.order import variant_of_rows


class DcrdfNet(Detector):
    """Reverse-distillation students for colour and height, refined and fused as the options say."""

    network: DcrdfNetwork

    def __init__(self, teacher: Teacher, options: DcrdfNetOptions) -> None:
        super().__init__(teacher, options)
        self.network = DcrdfNetwork(teacher.shape, options)

    def fit(
        self, train: NormalSamples, variants: PseudoAnomalies | None, context: FitContext
    ) -> None:
        """Train the network on cached teacher features."""
        self.to(context.device)
        batches = TwinBatches(self.teacher, train, variants, context)
        size = train.rgb.shape[1:3]
        objective = Objective(self.network, self.options, (size[0], size[1]))

        def step(rows: NDArray[np.intp], epoch: int) -> Losses:
            return objective(*batches(rows, epoch))

        train_in_epochs(self.network, step, len(train), context)

    @torch.no_grad()
    def branch_maps(self, rgb: Tensor | None, depth: Tensor | None) -> dict[str, Tensor]:
        """Maps of the given modalities; both go through the teacher in one pass."""
        given = [image for image in (rgb, depth) if image is not None]
        size = (given[0].shape[2], given[0].shape[3])
        features = self.teacher(torch.cat(given))
        count = len(given[0])
        outputs: dict[str, BranchOutput] = {}
        if rgb is not None:
            outputs["rgb"] = self.network.rgb(_rows(features, slice(0, count)))
        if depth is not None:
            outputs["depth"] = self.network.depth(_rows(features, slice(-count, None)))
        return self.network.maps(outputs, size)


class TwinBatches:
    """Clean features, their twins' features and masks for the rows of a step.

    Everything is on the device before the first step where `train.feature_cache_mb` allows it.
    """

    def __init__(
        self,
        teacher: Teacher,
        train: NormalSamples,
        variants: PseudoAnomalies | None,
        context: FitContext,
    ) -> None:
        budget_mb = float(context.options.feature_cache_mb)
        self._context = context
        self._count = len(train)
        self._variants = variants
        self._clean = FeatureSource(teacher, train.rgb, train.depth, context.device, budget_mb)
        self._twins: FeatureSource | None = None
        if variants is not None:
            shape = variants.mask.shape
            self._twins = FeatureSource(
                teacher,
                variants.rgb.reshape(-1, *shape[2:], 3),
                variants.depth.reshape(-1, *shape[2:]),
                context.device,
                budget_mb - self._clean.size_mb(),
            )

    def __call__(
        self, rows: NDArray[np.intp], epoch: int
    ) -> tuple[ModalityFeatures, ModalityFeatures | None, Tensor | None]:
        """Clean features, and features and masks (B, H, W) of the variants whose turn it is."""
        clean = self._clean.rows(rows)
        if self._twins is None or self._variants is None:
            return clean, None, None
        per_sample = self._variants.mask.shape[1]
        turns = variant_of_rows(self._count, per_sample, self._context.seed, epoch)[rows]
        twins = self._twins.rows(rows * per_sample + turns)
        mask = torch.from_numpy(self._variants.mask[rows, turns]).to(self._context.device)
        return clean, twins, mask


def _rows(features: Features, rows: slice) -> Features:
    return [x[rows] for x in features]
