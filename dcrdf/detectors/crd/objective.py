"""Crossmodal Reverse Distillation's training objective (docs/crd.md)."""

from collections.abc import Collection
from dataclasses import dataclass

from torch import Tensor

from dcrdf.config.detectors import CrdOptions
from dcrdf.detectors.crd.network import CrdNetwork
from dcrdf.detectors.reverse_distillation.losses import distillation_loss
from dcrdf.modalities import OTHER, Modality
from dcrdf.networks.teacher import Features
from dcrdf.training.features import ModalityFeatures
from dcrdf.training.loop import Losses


@dataclass(frozen=True)
class Objective:
    """The losses of one step on clean images."""

    network: CrdNetwork
    options: CrdOptions

    def __call__(self, clean: ModalityFeatures, alone: Collection[Modality] = ()) -> Losses:
        """Losses by name: everything of a branch is drawn to the teacher's features of its image.

        Students of the branches `alone` see the batch as if the other modality were absent; their
        projections learn all the same, their mix does not.
        """
        losses: Losses = {}
        for name, shown in clean.by_modality().items():
            branch = self.network.branch(name)
            projected = branch.project(clean.of(OTHER[name]))
            seen = branch(shown, None if name in alone else projected)
            mix = None if name in alone or branch.amplifier is None else seen.output
            parts: dict[str, Features | None] = {
                "decoder": seen.decoded,
                "filter": projected.filtered,
                "amplifier": projected.amplified,
                "output": mix,
            }
            for part, features in parts.items():
                if features is not None:
                    losses[f"{name}_{part}"] = self._loss(features, shown)
        return losses

    def _loss(self, student: Features, teacher: Features) -> Tensor:
        return distillation_loss(student, teacher, self.options.distance == "per_pixel")
