"""Good training images as students see them, and how what comes after the training is fitted."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dcrdf.detectors.reverse_distillation.whitening import ResidualMoments, residuals
from dcrdf.networks.teacher import Features

MAX_PLACES = 40_000
"""Places of good images that what one stage knows is fitted to, at most."""


class BranchFeatures(NamedTuple):
    """The student's features of a batch, the teacher's, and the teacher's of the other modality."""

    student: Features
    teacher: Features
    other: Features


@dataclass(frozen=True)
class GoodImages:
    """The good training images: how many, and what starts a pass over them in batches."""

    count: int
    batches: Callable[[], Iterable[BranchFeatures]]


def residuals_of(seen: BranchFeatures, stage: int) -> Tensor:
    """(B, H, W, C)."""
    return residuals(seen.student[stage], seen.teacher[stage])


def fit_whitenings(
    whitenings: nn.ModuleList, good: GoodImages, values: Callable[[BranchFeatures, int], Tensor]
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
    examples: Callable[[BranchFeatures, int, Tensor], tuple[Tensor, Tensor]],
    generator: torch.Generator,
) -> None:
    """Fit each stage's network to what `examples` gives of the chosen places (B, H, W) of a stage:
    what is known there and what is to be learnt. At most about `MAX_PLACES`, drawn evenly from all
    images."""
    gathered: list[list[tuple[Tensor, Tensor]]] = [[] for _ in networks]
    for seen in good.batches():
        for stage, of_stage in enumerate(gathered):
            places = seen.student[stage][:, 0]
            share = MAX_PLACES / (good.count * places[0].numel())
            chosen = torch.rand(places.shape, generator=generator) < share
            of_stage.append(examples(seen, stage, chosen.to(places.device)))
    for network, of_stage in zip(networks, gathered, strict=True):
        known, target = (torch.cat(x) for x in zip(*of_stage, strict=True))
        network.fit(known, target, generator)  # type: ignore[operator]
