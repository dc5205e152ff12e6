"""DCRDF-Net as a detector: its training data and its maps."""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcrdf.config.detectors import DcrdfNetOptions
from dcrdf.detectors.base import (
    BRANCHES,
    CROSSMODAL,
    OTHER_BRANCH,
    Detector,
    NormalSamples,
    PseudoAnomalies,
)
from dcrdf.detectors.dcrdf_net.network import Branch, BranchOutput, DcrdfNetwork
from dcrdf.detectors.dcrdf_net.objective import Objective, TwinMasks
from dcrdf.detectors.reverse_distillation.good_images import MAX_PLACES, GoodImages, Seen
from dcrdf.networks.teacher import STRIDES, Features, Teacher
from dcrdf.tensors.orientation import ORIENTATIONS, oriented, some_of
from dcrdf.training.features import AS_IT_IS, FeatureSource, ModalityFeatures, orientations_of
from dcrdf.training.loop import FitContext, Losses, train_in_epochs
from dcrdf.training.order import orientation_of_rows, variant_of_rows


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
        orientations = self._orientations(train, context.device)
        if self.options.augment != "none":
            context.say(
                f"good parts are shown in {len(orientations)} of {ORIENTATIONS} orientations"
            )
        self.network.is_learnt[torch.from_numpy(orientations)] = True
        self._train(train, variants, context, orientations)
        self.fit_normality(train, context)

    def _train(
        self,
        train: NormalSamples,
        variants: PseudoAnomalies | None,
        context: FitContext,
        orientations: NDArray[np.intp],
    ) -> None:
        batches = TwinBatches(self.teacher, train, variants, context, orientations)
        size = train.rgb.shape[1:3]
        objective = Objective(self.network, self.options, (size[0], size[1]))

        def step(rows: NDArray[np.intp], epoch: int) -> Losses:
            return objective(*batches(rows, epoch))

        train_in_epochs(self.network, step, len(train), context)

    @property
    def orientations(self) -> Sequence[int]:
        """In which orientations it has learnt good images."""
        learnt: list[int] = self.network.is_learnt.nonzero().flatten().tolist()
        return learnt

    def _orientations(self, train: NormalSamples, device: torch.device) -> NDArray[np.intp]:
        if self.options.augment == "none":
            return AS_IT_IS
        if self.options.augment == "dihedral":
            return np.arange(ORIENTATIONS)
        return orientations_of(self.teacher, train.rgb, train.depth, device)

    def fit_normality(self, train: NormalSamples, context: FitContext) -> None:
        """Learn from the good training images how the students usually err.

        Few images are shown in more of the orientations they were learnt in, as far as they give
        new places: small networks learn few places by heart.
        """
        self.network.eval()
        shown = some_of(self.orientations, orientations_for(MAX_PLACES, train.depth.shape))
        source = FeatureSource(
            self.teacher, train.rgb, train.depth, context.device,
            context.options.feature_cache_mb, np.array(shown),
        )  # fmt: skip
        for name in BRANCHES:
            branch: Branch = getattr(self.network, name)

            def good(name: str = name, branch: Branch = branch) -> Iterator[Seen]:
                for features in source.batches(context.options.batch_size):
                    output = branch(getattr(features, name))
                    yield Seen(output.student, output.shown, getattr(features, OTHER_BRANCH[name]))

            images = GoodImages(len(shown) * len(train), good)
            branch.normality.fit(images, context.seed)
            branch.crossmodal.fit(images, context.seed)

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
        if self.maps == "raw":
            return self.network.maps(outputs, size)
        return self._normality_maps(outputs, size)

    def _normality_maps(
        self, outputs: Mapping[str, BranchOutput], size: tuple[int, int]
    ) -> dict[str, Tensor]:
        relative, maps = self.maps != "whitened", {}
        for name, own in outputs.items():
            branch: Branch = getattr(self.network, name)
            maps[name] = branch.normality.map(own.student, own.shown, relative, size)
            other = outputs.get(OTHER_BRANCH[name])
            if self.maps == "crossmodal" and other is not None:
                maps[CROSSMODAL[name]] = branch.crossmodal.map(
                    own.student, own.shown, other.shown, size
                )
        return maps


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
        orientations: NDArray[np.intp] = AS_IT_IS,
    ) -> None:
        budget_mb = float(context.options.feature_cache_mb)
        self._context = context
        self._orientations = orientations
        self._count = len(train)
        self._variants = variants
        self._clean = FeatureSource(
            teacher, train.rgb, train.depth, context.device, budget_mb, orientations
        )
        self._twins: FeatureSource | None = None
        if variants is not None:
            shape = variants.mask.shape
            self._twins = FeatureSource(
                teacher,
                variants.rgb.reshape(-1, *shape[2:], 3),
                variants.depth.reshape(-1, *shape[2:]),
                context.device,
                budget_mb - self._clean.size_mb(),
                orientations,
            )

    def __call__(
        self, rows: NDArray[np.intp], epoch: int
    ) -> tuple[ModalityFeatures, ModalityFeatures | None, TwinMasks | None]:
        """Clean features, and features and masks of the variants whose turn it is."""
        count, seed = self._count, self._context.seed
        turned = orientation_of_rows(count, len(self._orientations), seed, epoch)[rows]
        clean = self._clean.rows(rows, turned)
        if self._twins is None or self._variants is None:
            return clean, None, None
        per_sample = self._variants.mask.shape[1]
        variant = variant_of_rows(count, per_sample, seed, epoch)[rows]
        twins = self._twins.rows(rows * per_sample + variant, turned)
        return clean, twins, self._masks(rows, variant, turned)

    def _masks(
        self, rows: NDArray[np.intp], variant: NDArray[np.intp], turned: NDArray[np.intp]
    ) -> TwinMasks:
        """The variants' mask for each modality that they change."""
        assert self._variants is not None
        mask = oriented(self._variants.mask[rows, variant], self._orientations[turned])
        changed = (self._variants.changes_rgb, self._variants.changes_depth)
        by_modality = (mask & one[rows, variant][:, None, None] for one in changed)
        return TwinMasks(*(torch.from_numpy(one).to(self._context.device) for one in by_modality))


def orientations_for(places: int, shape: Sequence[int]) -> int:
    """In how many orientations images (N, S, S) have so many places of the coarsest stage."""
    count, height, width = shape
    places_of_one = (height // STRIDES[-1]) * (width // STRIDES[-1])
    return math.ceil(places / (count * places_of_one))


def _rows(features: Features, rows: slice) -> Features:
    return [x[rows] for x in features]
