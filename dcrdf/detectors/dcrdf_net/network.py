"""DCRDF-Net's trainable parts put together: refinement and student per modality, and the gate."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dcrdf.config.detectors import DcrdfNetOptions
from dcrdf.detectors.dcrdf_net.gate import CrossModalGate
from dcrdf.detectors.dcrdf_net.gfrn import GuidedFeatureRefinement
from dcrdf.detectors.maps import Maps
from dcrdf.detectors.reverse_distillation.crossmodal_normality import CrossmodalNormality
from dcrdf.detectors.reverse_distillation.losses import anomaly_map, cosine_distances
from dcrdf.detectors.reverse_distillation.residual_normality import ResidualNormality
from dcrdf.detectors.reverse_distillation.student import Student
from dcrdf.modalities import DEPTH, RGB, Modality
from dcrdf.networks.teacher import Features, TeacherShape
from dcrdf.tensors.orientation import ORIENTATIONS


class BranchOutput(NamedTuple):
    """The teacher's features of the image that is shown, and what a branch makes of them."""

    shown: Features
    refined: Features
    student: Features


class ProbabilityScale(nn.Module):
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
        self.calibration = ProbabilityScale() if options.calibrate else None
        self.normality = ResidualNormality(shape)
        self.crossmodal = CrossmodalNormality(shape)

    def forward(self, features: Features) -> BranchOutput:
        """Teacher features of the image that is shown -> the branch's output."""
        refined = features if self.refinement is None else self.refinement(features)
        return BranchOutput(features, refined, self.student(refined))

    def map(self, output: BranchOutput, size: tuple[int, int]) -> Tensor:
        """(B, H, W): raw cosine distances, or probabilities where the branch is calibrated."""
        distance = anomaly_map(cosine_distances(output.student, output.shown), size)
        return distance if self.calibration is None else self.calibration(distance)


class DcrdfNetwork(nn.Module):
    """Both branches and, where the options ask for it, CM-SEGF.

    `is_learnt` (8,) says in which orientations good images were learnt.
    """

    is_learnt: Tensor

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
        self.register_buffer("is_learnt", torch.arange(ORIENTATIONS) == 0)

    def branch(self, modality: Modality) -> Branch:
        """The branch of a modality."""
        branch: Branch = getattr(self, modality)
        return branch

    def forward(self, features: Mapping[Modality, Features]) -> dict[Modality, BranchOutput]:
        """Each given modality's features -> its branch's output."""
        return {name: self.branch(name)(x) for name, x in features.items()}

    def maps(self, outputs: Mapping[Modality, BranchOutput], size: tuple[int, int]) -> Maps:
        """Maps (B, H, W) of the given branches, and `cm_segf` where there are both and a gate."""
        own = {name: self.branch(name).map(output, size) for name, output in outputs.items()}
        if self.gate is None or len(own) < 2:
            return Maps(own=own)
        rgb, depth = own[RGB], own[DEPTH]
        weight = self.gate(outputs[RGB].student, outputs[DEPTH].student, rgb, depth)
        return Maps(own=own, joint={"cm_segf": weight * rgb + (1.0 - weight) * depth})
