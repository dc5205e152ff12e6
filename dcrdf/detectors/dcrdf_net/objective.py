"""DCRDF-Net's training objective (docs/method.md, sections 3 to 5)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from dcrdf.config.detectors import DcrdfNetOptions
from dcrdf.detectors.dcrdf_net.losses import denoising_loss, focal_loss
from dcrdf.detectors.dcrdf_net.network import BranchOutput, DcrdfNetwork
from dcrdf.detectors.reverse_distillation.losses import distillation_loss
from dcrdf.networks.teacher import Features
from dcrdf.training.features import ModalityFeatures
from dcrdf.training.loop import Losses
from dcrdf.training.twins import TwinMasks


@dataclass(frozen=True)
class Objective:
    """The losses of one step; clean images and their perturbed twins form one batch."""

    network: DcrdfNetwork
    options: DcrdfNetOptions
    size: tuple[int, int]

    def __call__(
        self,
        clean: ModalityFeatures,
        perturbed: ModalityFeatures | None,
        masks: TwinMasks | None,
    ) -> Losses:
        """Losses by name; `masks` says where the perturbed twins were changed.

        Without twins the losses are the distillation of the clean images alone.
        """
        shown = clean if perturbed is None else clean.joined(perturbed)
        outputs = self.network(shown.by_modality())
        # The mean over a batch of both twins is half of the paper's sum of two terms.
        scale = 1.0 if perturbed is None else 2.0
        losses: Losses = {}
        for name, output in outputs.items():
            losses |= self._branch_losses(name, output, clean.of(name), scale)
        if masks is not None:
            answer = self.network.maps(outputs, self.size)
            for name, probability in answer.own.items():
                losses[f"{name}_focal"] = self._focal(probability, masks.of(name))
            for probability in answer.joint.values():
                losses["fused_focal"] = self._focal(probability, masks.joint)
        return losses

    def _branch_losses(
        self, name: str, output: BranchOutput, clean: Features, scale: float
    ) -> Losses:
        per_pixel = self.options.distance == "per_pixel"
        distillation = distillation_loss(output.student, clean, per_pixel)
        losses = {f"{name}_distillation": scale * distillation}
        if self.options.gfrn != "none":
            losses[f"{name}_denoising"] = denoising_loss(output.refined, clean)
        return losses

    def _focal(self, probability: Tensor, mask: Tensor) -> Tensor:
        """Clean twins come first and have an empty mask."""
        both = torch.cat([torch.zeros_like(mask), mask])
        return focal_loss(probability, both, self.options.focal_gamma, self.options.focal_alpha)
