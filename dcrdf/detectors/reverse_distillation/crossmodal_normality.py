"""What is left of a residual once the other modality has explained what it can."""

import torch
from torch import Tensor, nn

from dcrdf.detectors.reverse_distillation.crossmodal_prediction import (
    ResidualPrediction,
    known_of_places,
)
from dcrdf.detectors.reverse_distillation.good_images import (
    BranchFeatures,
    GoodImages,
    fit_to_places,
    fit_whitenings,
    residuals_of,
)
from dcrdf.detectors.reverse_distillation.losses import upsampled_mean
from dcrdf.detectors.reverse_distillation.usual_length import UsualLength
from dcrdf.detectors.reverse_distillation.whitening import ResidualWhitening
from dcrdf.networks.place_network import unit_features
from dcrdf.networks.teacher import Features, TeacherShape


class CrossmodalNormality(nn.Module):
    """Per stage of one branch: what the other modality explains of a residual, the whitening of the
    rest, and what length it usually has where student and other modality look like this."""

    def __init__(self, shape: TeacherShape) -> None:
        super().__init__()
        self.explanations = nn.ModuleList(
            ResidualPrediction(n, shape.channels) for n in shape.channels
        )
        self.whitenings = nn.ModuleList(ResidualWhitening(n) for n in shape.channels)
        self.expectations = nn.ModuleList(UsualLength(2 * n) for n in shape.channels)

    def map(
        self, student: Features, teacher: Features, other: Features, size: tuple[int, int]
    ) -> Tensor:
        """The map (B, H, W); `other` are the teacher's features of the other modality."""
        seen, lengths = BranchFeatures(student, teacher, other), []
        for stage, expect in enumerate(self.expectations):
            length = self.whitenings[stage](self._unexplained(seen, stage))
            lengths.append(expect.relative(length, _both(seen, stage)))  # type: ignore[operator]
        return upsampled_mean(lengths, size)

    @torch.no_grad()
    def fit(self, good: GoodImages, seed: int) -> None:
        """Fit explanations, the whitenings of what they leave, and the expectations of its length,
        in a pass over good images each."""
        generator = torch.Generator().manual_seed(seed)

        def residuals_to_predict(
            seen: BranchFeatures, stage: int, chosen: Tensor
        ) -> tuple[Tensor, Tensor]:
            places = known_of_places(seen.student[stage], seen.other, chosen)
            return places, residuals_of(seen, stage)[chosen]

        fit_to_places(self.explanations, good, residuals_to_predict, generator)
        fit_whitenings(self.whitenings, good, self._unexplained)

        def lengths_of_the_rest(
            seen: BranchFeatures, stage: int, chosen: Tensor
        ) -> tuple[Tensor, Tensor]:
            lengths = self.whitenings[stage](self._unexplained(seen, stage)[chosen])
            return _both(seen, stage)[chosen], lengths

        fit_to_places(self.expectations, good, lengths_of_the_rest, generator)

    def _unexplained(self, seen: BranchFeatures, stage: int) -> Tensor:
        """Residuals (B, H, W, C) less what the other modality explains of them."""
        unexplained: Tensor = self.explanations[stage].unexplained(  # type: ignore[operator]
            residuals_of(seen, stage), seen.student[stage], seen.other
        )
        return unexplained


def _both(seen: BranchFeatures, stage: int) -> Tensor:
    """Unit features (B, H, W, 2 C) of the student and of the other modality's teacher."""
    return torch.cat([unit_features(seen.student[stage]), unit_features(seen.other[stage])], dim=-1)
