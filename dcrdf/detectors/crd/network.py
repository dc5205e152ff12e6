"""Crossmodal Reverse Distillation's trainable parts put together: a branch for each modality."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dcrdf.config.detectors import CrdOptions
from dcrdf.detectors.crd.amplified_decoder import AmplifiedDecoder
from dcrdf.detectors.crd.projections import (
    BottleneckProjection,
    IdentityProjection,
    InvertedProjection,
    Projection,
)
from dcrdf.detectors.reverse_distillation.student import Decoder, OneClassBottleneck
from dcrdf.modalities import MODALITIES, OTHER, Modality
from dcrdf.networks.residual import initialise
from dcrdf.networks.teacher import Features, TeacherShape
from dcrdf.tensors.orientation import ORIENTATIONS


class Projected(NamedTuple):
    """What a branch makes of the other modality's features, each in its own modality's space."""

    filtered: Features | None
    amplified: Features | None

    @property
    def imagined(self) -> Features | None:
        """That modality's features as the other one's suggest them: the filter's, or the
        amplifier's where there is no filter."""
        return self.amplified if self.filtered is None else self.filtered


class BranchOutput(NamedTuple):
    """What a branch makes of an image that is shown: the student's features, and what the map
    compares with the teacher's."""

    decoded: Features
    output: Features


class Branch(nn.Module):
    """Filter, student and amplifier of one modality; either projection may be left out."""

    def __init__(self, shape: TeacherShape, options: CrdOptions) -> None:
        super().__init__()
        self.filter = _filter(shape, options)
        self.amplifier = _amplifier(shape, options)
        sources = 1 if self.filter is None else 2
        self.bottleneck = OneClassBottleneck(shape, sources, squeeze=False)
        self.decoder = (
            Decoder(shape, options.decoder_blocks)
            if self.amplifier is None
            else AmplifiedDecoder(
                shape, options.decoder_blocks, options.mixing, options.stop_gradient == "output"
            )
        )

    def project(self, other: Features) -> Projected:
        """The other modality's features in this one's space."""
        return Projected(
            None if self.filter is None else self.filter(other),
            None if self.amplifier is None else self.amplifier(other),
        )

    def imagine(self, other: Features) -> Features:
        """What `project` imagines, alone."""
        projection = self.amplifier if self.filter is None else self.filter
        assert projection is not None
        imagined: Features = projection(other)
        return imagined

    def forward(self, shown: Features, projected: Projected | None) -> BranchOutput:
        """The output for an image. Without projections the branch's own features stand for the
        filter's, which learns to give just those, and the amplifier is left out."""
        filtered, amplified = projected or (shown, None)
        read = shown
        if self.filter is not None:
            assert filtered is not None
            read = [torch.cat(pair, dim=1) for pair in zip(shown, filtered, strict=True)]
        embedding = self.bottleneck(read)
        if isinstance(self.decoder, AmplifiedDecoder):
            decoded, output, _ = self.decoder(embedding, amplified)
        else:
            decoded = output = self.decoder(embedding)
        return BranchOutput(decoded, output)


class CrdNetwork(nn.Module):
    """Both branches, which share nothing.

    `is_learnt` (8,) says in which orientations good images were learnt.
    """

    is_learnt: Tensor

    def __init__(self, shape: TeacherShape, options: CrdOptions) -> None:
        super().__init__()
        self.rgb = Branch(shape, options)
        self.depth = Branch(shape, options)
        self.imagines = options.asks_the_other and options.absent == "cycle"
        initialise(self)
        self.register_buffer("is_learnt", torch.arange(ORIENTATIONS) == 0)

    def branch(self, modality: Modality) -> Branch:
        """The branch of a modality."""
        branch: Branch = getattr(self, modality)
        return branch

    def project(self, features: Mapping[Modality, Features]) -> dict[Modality, Projected]:
        """By branch, what it makes of the other modality's features."""
        return {name: self.branch(name).project(features[OTHER[name]]) for name in MODALITIES}

    def own(
        self, features: Mapping[Modality, Features], projected: Mapping[Modality, Projected]
    ) -> dict[Modality, Features]:
        """The students' features of the given modalities, each as if the other were absent.

        `projected` may hold what the branches make of one another's features already.
        """
        found = {}
        for name, shown in features.items():
            branch, other, stand_in = self.branch(name), OTHER[name], None
            if self.imagines:
                known = projected[other].imagined if other in projected else None
                imagined = self.branch(other).imagine(shown) if known is None else known
                stand_in = branch.project(imagined)
            found[name] = branch(shown, stand_in).decoded
        return found


def _filter(shape: TeacherShape, options: CrdOptions) -> Projection | None:
    if options.filter == "bottleneck":
        return BottleneckProjection(shape, options.filter_depth)
    return IdentityProjection(shape) if options.filter == "identity" else None


def _amplifier(shape: TeacherShape, options: CrdOptions) -> Projection | None:
    if options.amplifier == "inverted":
        return InvertedProjection(shape, options.expansion)
    return IdentityProjection(shape) if options.amplifier == "identity" else None
