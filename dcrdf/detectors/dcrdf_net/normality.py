"""What good parts' residuals look like, learnt after the students: for the maps beyond raw ones."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from dcrdf.config.options import MapKind
from dcrdf.networks.expectation import MAX_PLACES, LengthExpectation, unit_features
from dcrdf.networks.losses import upsampled_mean
from dcrdf.networks.teacher import Features, TeacherShape
from dcrdf.networks.whitening import ResidualMoments, ResidualWhitening, residuals

GoodBatches = Callable[[], Iterable[tuple[Features, Features, Features]]]
"""Starts a pass over the good training images: the student's features, the teacher's, and the
teacher's of the other modality."""


class ResidualNormality(nn.Module):
    """Per stage of one branch: the whitening of residuals and what length they usually have, told
    from the student's features alone and from those with the other modality's."""

    def __init__(self, shape: TeacherShape) -> None:
        super().__init__()
        self.whitenings = nn.ModuleList(ResidualWhitening(n) for n in shape.channels)
        self.expectations = nn.ModuleList(LengthExpectation(n) for n in shape.channels)
        self.crossmodal = nn.ModuleList(LengthExpectation(2 * n) for n in shape.channels)

    def map(
        self,
        student: Features,
        teacher: Features,
        other: Features | None,
        kind: MapKind,
        size: tuple[int, int],
    ) -> Tensor:
        """The map (B, H, W) of whitened residuals. With `relative` each place is measured against
        what is usual for its content; with `crossmodal` this is told by the teacher's features of
        the other modality, too, where there is one."""
        lengths = [
            whiten(own, shown)
            for whiten, own, shown in zip(self.whitenings, student, teacher, strict=True)
        ]
        if kind == "crossmodal" and other is not None:
            lengths = [
                expect.relative(length, _both(own, seen))  # type: ignore[operator]
                for expect, length, own, seen in zip(
                    self.crossmodal, lengths, student, other, strict=True
                )
            ]
        elif kind != "whitened":
            lengths = [
                expect.relative(length, unit_features(own))  # type: ignore[operator]
                for expect, length, own in zip(self.expectations, lengths, student, strict=True)
            ]
        return upsampled_mean(lengths, size)

    @torch.no_grad()
    def fit(self, good: GoodBatches, seed: int) -> None:
        """Fit the whitenings in a first pass over good images, the expectations in a second.

        Every place counts, the background's too: where nothing is known of it, it stands out.
        """
        moments: list[ResidualMoments] | None = None
        for student, teacher, _ in good():
            if moments is None:
                moments = [ResidualMoments(x.shape[1], x.device) for x in student]
            for stage, own, shown in zip(moments, student, teacher, strict=True):
                stage.add(residuals(own, shown).flatten(0, 2))
        for whiten, stage in zip(self.whitenings, moments or [], strict=True):
            whiten.fit(stage)  # type: ignore[operator]
        self._fit_expectations(good, [stage.count for stage in moments or []], seed)

    def _fit_expectations(self, good: GoodBatches, counts: list[int], seed: int) -> None:
        """Each stage sees at most `MAX_PLACES` places, drawn evenly from all images."""
        generator = torch.Generator().manual_seed(seed)
        features: list[list[Tensor]] = [[] for _ in counts]
        lengths: list[list[Tensor]] = [[] for _ in counts]
        for student, teacher, other in good():
            for i, (own, shown, seen) in enumerate(zip(student, teacher, other, strict=True)):
                known = _both(own, seen)
                share = MAX_PLACES / max(counts[i], 1)
                chosen = (torch.rand(known.shape[:3], generator=generator) < share).to(own.device)
                features[i].append(known[chosen])
                lengths[i].append(self.whitenings[i](own, shown)[chosen])
        for i, (x, y) in enumerate(zip(features, lengths, strict=True)):
            known, length = torch.cat(x), torch.cat(y)
            own_channels = known.shape[1] // 2
            self.expectations[i].fit(known[:, :own_channels], length, generator)  # type: ignore[operator]
            self.crossmodal[i].fit(known, length, generator)  # type: ignore[operator]


def _both(student: Tensor, other: Tensor) -> Tensor:
    """Unit features (B, H, W, 2 C) of the student and of the other modality's teacher."""
    return torch.cat([unit_features(student), unit_features(other)], dim=-1)
