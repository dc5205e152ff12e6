"""What good parts' residuals look like, learnt after the students: for the maps beyond raw ones."""

import torch
from torch import Tensor, nn

from dcrdf.detectors.reverse_distillation.good_images import (
    BranchFeatures,
    GoodImages,
    fit_to_places,
    fit_whitenings,
    residuals_of,
)
from dcrdf.detectors.reverse_distillation.losses import upsampled_mean
from dcrdf.detectors.reverse_distillation.usual_length import UsualLength
from dcrdf.detectors.reverse_distillation.whitening import ResidualWhitening, residuals
from dcrdf.networks.place_network import unit_features
from dcrdf.networks.teacher import Features, TeacherShape


class ResidualNormality(nn.Module):
    """Per stage of one branch: the whitening of residuals, and what length they usually have at
    places of this content, told by the student's features."""

    def __init__(self, shape: TeacherShape) -> None:
        super().__init__()
        self.whitenings = nn.ModuleList(ResidualWhitening(n) for n in shape.channels)
        self.expectations = nn.ModuleList(UsualLength(n) for n in shape.channels)

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

        def lengths_to_expect(
            seen: BranchFeatures, stage: int, chosen: Tensor
        ) -> tuple[Tensor, Tensor]:
            lengths = self.whitenings[stage](residuals_of(seen, stage)[chosen])
            return unit_features(seen.student[stage])[chosen], lengths

        fit_to_places(self.expectations, good, lengths_to_expect, generator)
