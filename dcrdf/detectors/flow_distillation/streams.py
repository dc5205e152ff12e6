"""The networks: a teacher and a student for both modalities together, and for each alone."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from dcrdf.config.detectors import FlowDistillationOptions
from dcrdf.config.options import MapKind
from dcrdf.detectors.flow_distillation.flow import ConditionalFlow, full_precision
from dcrdf.detectors.flow_distillation.inputs import CellInputs
from dcrdf.detectors.flow_distillation.losses import distances, unlikeliness
from dcrdf.detectors.flow_distillation.moments import Moments
from dcrdf.detectors.flow_distillation.positional import sine_encoding
from dcrdf.detectors.flow_distillation.student import ResidualStudent
from dcrdf.modalities import DEPTH, RGB

JOINT = "joint"
STREAMS = (JOINT, RGB, DEPTH)
NO_PART_SHARE = 0.1
"""Of the part's usual share of the image: below it, there is no part."""
NO_PART_FACTOR = 10.0
"""What has no part is so many times as loud as the loudest training place: louder than any
threshold, since what is left of a masked image may look as good as can be."""


class Stream(nn.Module):
    """A flow, and the student that learns to give what the flow gives.

    `centre` and `spread` (C, 1, 1) standardise what comes in. Of training places that count,
    `likely` and `unlikely` () are the least and the greatest unlikeliness, over the number of
    channels, and `farthest` () is the greatest distance of the student.
    """

    centre: Tensor
    spread: Tensor
    likely: Tensor
    unlikely: Tensor
    farthest: Tensor

    def __init__(self, flow: ConditionalFlow, student: ResidualStudent, channels: int) -> None:
        super().__init__()
        self.flow, self.student = flow, student
        self.register_buffer("centre", torch.zeros(channels, 1, 1))
        self.register_buffer("spread", torch.ones(channels, 1, 1))
        for name in ("likely", "unlikely", "farthest"):
            self.register_buffer(name, torch.zeros(()))

    def teach(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs (B, C, g, g) -> the flow's z (B, C, g, g) and log det (B, g, g), float32."""
        z, log_det = self.flow(*self._shown(x))
        return z, log_det

    def imitate(self, x: Tensor) -> Tensor:
        """Inputs (B, C, g, g) -> the student's z (B, C, g, g)."""
        z: Tensor = self.student(*self._shown(x))
        return z

    def unlikeliness(self, x: Tensor) -> Tensor:
        """Of each place (B, g, g), over the number of channels."""
        z, log_det = self.teach(x)
        return unlikeliness(z, log_det) / z.shape[1]

    def distances(self, x: Tensor) -> Tensor:
        """Of the student from the flow at each place, (B, g, g)."""
        return distances(self.teach(x)[0], self.imitate(x))

    def excess_unlikeliness(self, x: Tensor) -> Tensor:
        """Over that of the likeliest training place, (B, g, g), not negative."""
        return (self.unlikeliness(x) - self.likely).clamp_min(0.0)

    def loudest(self, kind: MapKind) -> Tensor:
        """Of training places that count, by the kind of maps, ()."""
        return self.unlikely - self.likely if kind == "likelihood" else self.farthest

    def _shown(self, x: Tensor) -> tuple[Tensor, Tensor]:
        rows, columns = x.shape[2:]
        where = sine_encoding(rows, columns, self.flow.condition, x.device)
        shown = (full_precision(x) - self.centre) / self.spread
        return shown, where.expand(x.shape[0], -1, -1, -1)


class Streams(nn.Module):
    """Three teachers and students that share nothing: `joint` sees both modalities, `rgb` and
    `depth` one. `usual_share` () is the median share of the part in training images."""

    usual_share: Tensor

    def __init__(self, colour_channels: int, options: FlowDistillationOptions) -> None:
        super().__init__()
        of_height, condition = options.depth_cell**2, options.encoding_channels
        channels = {JOINT: colour_channels + of_height, RGB: colour_channels, DEPTH: of_height}
        # All teachers first: what they start from does not depend on the students' sizes.
        flows = {
            name: ConditionalFlow(
                count, condition, options.coupling_kernels, options.coupling_hidden, options.clamp
            )
            for name, count in channels.items()
        }
        side = options.side_channels or options.student_channels
        for name, count in channels.items():
            width = options.student_channels if name == JOINT else side
            student = ResidualStudent(count, condition, width, options.student_blocks)
            self.add_module(name, Stream(flows[name], student, count))
        self.register_buffer("usual_share", torch.zeros(()))
        self.masks = options.mask == "foreground"

    def stream(self, name: str) -> Stream:
        """That of a modality, or of both."""
        stream: Stream = getattr(self, name)
        return stream

    def teachers(self) -> nn.ModuleDict:
        """The flows by stream."""
        return nn.ModuleDict({name: self.stream(name).flow for name in STREAMS})

    def students(self) -> nn.ModuleDict:
        """The students by stream."""
        return nn.ModuleDict({name: self.stream(name).student for name in STREAMS})

    def counted(self, name: str, part: Tensor) -> Tensor:
        """Which cells count to a stream, by those that hold some of the part, (B, g, g) bool:
        colour alone is learnt and scored everywhere (AST)."""
        return part if self.masks and name != RGB else torch.ones_like(part)

    def values(self, name: str, x: Tensor, inputs: CellInputs, kind: MapKind) -> Tensor:
        """How unlike good places the cells are to a stream, (B, g, g), 0 where none counts. Of an
        image without a part to speak of all count and are loud: it must not pass for a good one."""
        stream = self.stream(name)
        values = stream.excess_unlikeliness(x) if kind == "likelihood" else stream.distances(x)
        if name == RGB:
            return values
        has_none = (inputs.share < NO_PART_SHARE * self.usual_share)[:, None, None]
        missed = values.clamp_min(NO_PART_FACTOR * stream.loudest(kind))
        masked = values.masked_fill(~self.counted(name, inputs.part), 0.0)
        return torch.where(has_none, missed, masked)

    @torch.no_grad()
    def taught(self, inputs: CellInputs) -> tuple[Tensor, ...]:
        """The flows' z of good scans, (B, C, g, g) each, in the order of `STREAMS`."""
        shown = shown_to(inputs)
        return tuple(self.stream(name).teach(shown[name])[0] for name in STREAMS)

    @torch.no_grad()
    def learn_inputs(self, inputs: Iterable[CellInputs], *, standardise: bool) -> None:
        """Take from training scans how large their parts are and, if asked to, what each channel
        is like where it counts."""
        shares, moments = [], {name: Moments() for name in STREAMS if standardise}
        for one in inputs:
            shares.append(one.share)
            seen = shown_to(one)
            for name, of_channels in moments.items():
                of_channels.add(seen[name], self.counted(name, one.part))
        self.usual_share.copy_(torch.cat(shares).median())
        for name, of_channels in moments.items():
            mean, deviation = of_channels.result()
            self.stream(name).centre.copy_(mean[:, None, None])
            self.stream(name).spread.copy_(deviation[:, None, None])

    @torch.no_grad()
    def learn_good(self, inputs: Iterable[CellInputs]) -> None:
        """What places of training scans that count are like to the fitted networks."""
        unlikely: dict[str, list[Tensor]] = {name: [] for name in STREAMS}
        far: dict[str, list[Tensor]] = {name: [] for name in STREAMS}
        for one in inputs:
            for name, x in shown_to(one).items():
                stream, counted = self.stream(name), self.counted(name, one.part)
                unlikely[name].append(stream.unlikeliness(x)[counted])
                far[name].append(stream.distances(x)[counted])
        for name in STREAMS:
            stream, found = self.stream(name), torch.cat(unlikely[name])
            if found.numel():
                stream.likely.copy_(found.min())
                stream.unlikely.copy_(found.max())
                stream.farthest.copy_(torch.cat(far[name]).max())


def shown_to(inputs: CellInputs) -> dict[str, Tensor]:
    """What each stream sees, (B, C, g, g), of those whose modalities are there."""
    alone = {RGB: inputs.colour, DEPTH: inputs.height}
    seen = {name: x for name, x in alone.items() if x.shape[1]}
    if len(seen) < len(alone):
        return seen
    return {JOINT: torch.cat([inputs.colour, inputs.height], dim=1), **seen}
