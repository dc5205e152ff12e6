"""What the flows and their students are trained by, all streams side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from dcrdf.config.detectors import FlowDistillationOptions
from dcrdf.detectors.flow_distillation.inputs import CellInputs
from dcrdf.detectors.flow_distillation.losses import (
    distillation_loss,
    likelihood_loss,
    logged_as,
)
from dcrdf.detectors.flow_distillation.streams import STREAMS, Streams, shown_to
from dcrdf.training.loop import Losses


@dataclass(frozen=True)
class FlowObjective:
    """The losses of one step of the flows: how unlikely good places are to each stream."""

    network: Streams

    def __call__(self, inputs: CellInputs) -> Losses:
        """Of good scans; shown over the number of channels."""
        losses: Losses = {}
        for name, x in shown_to(inputs).items():
            z, log_det = self.network.stream(name).teach(x)
            loss = likelihood_loss(z, log_det, self.network.counted(name, inputs.part))
            losses[f"{name}_flow"] = logged_as(loss, loss / z.shape[1])
        return losses


@dataclass(frozen=True)
class StudentObjective:
    """The losses of one step of the students: how far they are from what the flows give."""

    network: Streams
    options: FlowDistillationOptions

    def __call__(self, inputs: CellInputs, taught: Sequence[Tensor]) -> Losses:
        """Of good scans and the flows' z, (B, C, g, g) each, in the order of the streams."""
        shown = shown_to(inputs)
        return {
            f"{name}_student": distillation_loss(
                z,
                self.network.stream(name).imitate(shown[name]),
                self.network.counted(name, inputs.part),
                self.options.scales,
                self.options.mask_rule,
            )
            for name, z in zip(STREAMS, taught, strict=True)
        }
