"""What good parts' residuals look like, learnt after the students: for the maps beyond raw ones."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dcrdf.networks.expectation import LengthExpectation
from dcrdf.networks.losses import upsampled_mean
from dcrdf.networks.place_network import unit_features
from dcrdf.networks.teacher import Features, TeacherShape
from dcrdf.networks.whitening import ResidualMoments, ResidualWhitening, residuals

MAX_PLACES = 40_000
"""Places of good images that what one stage knows is fitted to, at most."""


class Seen(NamedTuple):
    """The student's features of a batch, the teacher's, and the teacher's of the other modality."""

    student: Features
    teacher: Features
    other: Features


@dataclass(frozen=True)
class GoodImages:
    """The good training images: how many, and what starts a pass over them in batches."""

    count: int
    batches: Callable[[], Iterable[Seen]]


class ResidualNormality(nn.Module):
    """Per stage of one branch: the whitening of residuals, and what length they usually have at
    places of this content, told by the student's features."""

    def __init__(self, shape: TeacherShape) -> None:
        super().__init__()
        self.whitenings = nn.ModuleList(ResidualWhitening(n) for n in shape.channels)
        self.expectations = nn.ModuleList(LengthExpectation(n) for n in shape.channels)

    def map(
        self, student: Features, teacher: Features, relative: bool, size: tuple[int, int]
    ) -> Tensor:
        """The map (B, H, W) of whitened residuals, each place measured against what is usual for
        its content where `relative` is true."""
        lengths = [
            whiten(residuals(own, shown))
            for whiten, own, shown in zip(self.whitenings, student, teacher, strict=True)
        ]
        if relative:
            lengths = [
                expect.relative(length, unit_features(own))  # type: ignore[operator]
                for expect, length, own in zip(self.expectations, lengths, student, strict=True)
            ]
        return upsampled_mean(lengths, size)

    @torch.no_grad()
    def fit(self, good: GoodImages, seed: int) -> None:
        """Fit the whitenings in a first pass over good images, the expectations in a second.

        Every place counts, the background's too: where nothing is known of it, it stands out.
        """
        generator = torch.Generator().manual_seed(seed)
        fit_whitenings(self.whitenings, good, residuals_of)

        def take(seen: Seen, stage: int, chosen: Tensor) -> tuple[Tensor, Tensor]:
            lengths = self.whitenings[stage](residuals_of(seen, stage)[chosen])
            return unit_features(seen.student[stage])[chosen], lengths

        fit_to_places(self.expectations, good, take, generator)


def residuals_of(seen: Seen, stage: int) -> Tensor:
    """(B, H, W, C)."""
    return residuals(seen.student[stage], seen.teacher[stage])


def fit_whitenings(
    whitenings: nn.ModuleList, good: GoodImages, values: Callable[[Seen, int], Tensor]
) -> None:
    """Fit each stage's whitening to the values (B, H, W, C) of all places of good images."""
    moments: list[ResidualMoments] = []
    for seen in good.batches():
        for stage in range(len(whitenings)):
            x = values(seen, stage)
            if stage == len(moments):
                moments.append(ResidualMoments(x.shape[-1], x.device))
            moments[stage].add(x.flatten(0, 2))
    for whiten, of_stage in zip(whitenings, moments, strict=True):
        whiten.fit(of_stage)  # type: ignore[operator]


def fit_to_places(
    networks: nn.ModuleList,
    good: GoodImages,
    take: Callable[[Seen, int, Tensor], tuple[Tensor, Tensor]],
    generator: torch.Generator,
) -> None:
    """Fit each stage's network to what `take` gives of the chosen places (B, H, W) of a stage: what
    is known there and what is to be learnt. At most about `MAX_PLACES`, drawn evenly from all
    images."""
    taken: list[list[tuple[Tensor, Tensor]]] = [[] for _ in networks]
    for seen in good.batches():
        for stage, of_stage in enumerate(taken):
            places = seen.student[stage][:, 0]
            share = MAX_PLACES / (good.count * places[0].numel())
            chosen = torch.rand(places.shape, generator=generator) < share
            of_stage.append(take(seen, stage, chosen.to(places.device)))
    for network, of_stage in zip(networks, taken, strict=True):
        known, target = (torch.cat(x) for x in zip(*of_stage, strict=True))
        network.fit(known, target, generator)  # type: ignore[operator]
