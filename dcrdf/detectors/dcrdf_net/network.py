"""DCRDF-Net's trainable parts put together: refinement and student per modality, and the gate."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from dcrdf.config.detectors import DcrdfNetOptions
from dcrdf.networks.fusion import CrossModalGate
from dcrdf.networks.gfrn import GuidedFeatureRefinement
from dcrdf.networks.losses import anomaly_map, cosine_distances, upsampled_mean
from dcrdf.networks.student import Student
from dcrdf.networks.teacher import Features, TeacherShape
from dcrdf.networks.whitening import ResidualMoments, ResidualWhitening, residuals


class BranchOutput(NamedTuple):
    """The teacher's features of the image that is shown, and what a branch makes of them."""

    shown: Features
    refined: Features
    student: Features


class Calibration(nn.Module):
    """p = sigmoid(a (d - b)) with a > 0: lets a focal loss see probabilities (our option)."""

    def __init__(self) -> None:
        super().__init__()
        self.log_slope = nn.Parameter(torch.tensor(3.0))
        self.centre = nn.Parameter(torch.tensor(0.3))

    def forward(self, distance: Tensor) -> Tensor:
        """Distances in [0, 1] -> probabilities."""
        return torch.sigmoid(self.log_slope.exp() * (distance - self.centre))


class Branch(nn.Module):
    """GFRN (optional), student and calibration (optional) of one modality."""

    def __init__(self, shape: TeacherShape, options: DcrdfNetOptions) -> None:
        super().__init__()
        self.refinement = (
            GuidedFeatureRefinement(shape.channels, residual=options.gfrn == "residual")
            if options.gfrn != "none"
            else None
        )
        self.student = Student(shape, options.decoder_blocks)
        self.calibration = Calibration() if options.calibrate else None
        self.whitenings = nn.ModuleList(ResidualWhitening(count) for count in shape.channels)

    def forward(self, features: Features) -> BranchOutput:
        """Teacher features of the image that is shown -> the branch's output."""
        refined = features if self.refinement is None else self.refinement(features)
        return BranchOutput(features, refined, self.student(refined))

    def map(self, output: BranchOutput, size: tuple[int, int]) -> Tensor:
        """(B, H, W): raw cosine distances, or probabilities where the branch is calibrated."""
        distance = anomaly_map(cosine_distances(output.student, output.shown), size)
        return distance if self.calibration is None else self.calibration(distance)

    def whitened_map(self, output: BranchOutput, size: tuple[int, int]) -> Tensor:
        """The map of whitened residuals (B, H, W), about one on good parts."""
        stages = zip(self.whitenings, output.student, output.shown, strict=True)
        return upsampled_mean([whiten(own, shown) for whiten, own, shown in stages], size)

    def add_residuals(
        self, features: Features, foreground: Tensor, moments: Sequence[ResidualMoments]
    ) -> None:
        """Take the residuals of good images into the moments, where a cell meets the part.

        `foreground` is (B, H, W), boolean.
        """
        output = self(features)
        part = foreground.float().unsqueeze(1)
        for own, shown, stage in zip(output.student, output.shown, moments, strict=True):
            is_part = functional.adaptive_max_pool2d(part, own.shape[-2:]).squeeze(1) > 0
            stage.add(residuals(own, shown)[is_part])

    def fit_whitening(self, moments: Sequence[ResidualMoments]) -> None:
        """Set the whitening of every stage."""
        for whitening, stage in zip(self.whitenings, moments, strict=True):
            whitening.fit(stage)  # type: ignore[operator]


class DcrdfNetwork(nn.Module):
    """Both branches and, where the options ask for it, CM-SEGF."""

    def __init__(self, shape: TeacherShape, options: DcrdfNetOptions) -> None:
        super().__init__()
        self.rgb = Branch(shape, options)
        self.depth = Branch(shape, options)
        self.gate = (
            CrossModalGate(
                sum(shape.channels), options.gate_hidden, options.gate_evidence == "maps"
            )
            if options.gate == "cm_segf"
            else None
        )

    def maps(self, outputs: Mapping[str, BranchOutput], size: tuple[int, int]) -> dict[str, Tensor]:
        """Maps (B, H, W) of the given branches, and `cm_segf` where there are both and a gate."""
        maps = {name: getattr(self, name).map(output, size) for name, output in outputs.items()}
        if self.gate is not None and len(outputs) == 2:
            students = (outputs["rgb"].student, outputs["depth"].student)
            weight = self.gate(*students, maps["rgb"], maps["depth"])
            maps["cm_segf"] = weight * maps["rgb"] + (1.0 - weight) * maps["depth"]
        return maps
