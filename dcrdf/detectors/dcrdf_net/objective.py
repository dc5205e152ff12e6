"""DCRDF-Net's training objective (docs/method.md, sections 3 to 5)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from dcrdf.config.detectors import DcrdfNetOptions
from dcrdf.detectors.dcrdf_net.network import BranchOutput, DcrdfNetwork
from dcrdf.networks.losses import denoising_loss, distillation_loss, focal_loss
from dcrdf.networks.teacher import Features
from dcrdf.training.features import ModalityFeatures
from dcrdf.training.loop import Losses


@dataclass(frozen=True)
class Objective:
    """The losses of one step; clean images and their perturbed twins form one batch."""

    network: DcrdfNetwork
    options: DcrdfNetOptions
    size: tuple[int, int]

    def __call__(
        self, clean: ModalityFeatures, perturbed: ModalityFeatures | None, mask: Tensor | None
    ) -> Losses:
        """`mask` (B, H, W) says where the perturbed twins were changed.

        Without twins the losses are the distillation of the clean images alone.
        """
        shown = clean if perturbed is None else clean.joined(perturbed)
        target = clean if perturbed is None else clean.joined(clean)
        rgb = self.network.rgb(shown.rgb, self.size)
        depth = self.network.depth(shown.depth, self.size)
        losses: Losses = {}
        for name, branch, wanted in (("rgb", rgb, target.rgb), ("depth", depth, target.depth)):
            losses |= self._branch_losses(name, branch, wanted, mask, twins=perturbed is not None)
        fused = self.network.fuse(rgb, depth)
        if fused is not None and mask is not None:
            losses["fused_focal"] = self._focal(fused, mask)
        return losses

    def _branch_losses(
        self, name: str, branch: BranchOutput, target: Features, mask: Tensor | None, twins: bool
    ) -> Losses:
        per_pixel = self.options.distance == "per_pixel"
        # The mean over a batch of both twins is half of the paper's sum of two terms.
        scale = 2.0 if twins else 1.0
        losses = {
            f"{name}_distillation": scale * distillation_loss(branch.student, target, per_pixel)
        }
        if self.options.gfrn != "none":
            losses[f"{name}_denoising"] = denoising_loss(branch.refined, target)
        if mask is not None:
            losses[f"{name}_focal"] = self._focal(branch.map, mask)
        return losses

    def _focal(self, probability: Tensor, mask: Tensor) -> Tensor:
        """Clean twins come first and have an empty mask."""
        both = torch.cat([torch.zeros_like(mask), mask])
        return focal_loss(probability, both, self.options.focal_gamma, self.options.focal_alpha)
