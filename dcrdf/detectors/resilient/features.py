"""Both modalities' features of the same places, on one grid and one scale each."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dcrdf.config.detectors import ResilientOptions
from dcrdf.detectors.patch_bank.patches import joined_stages
from dcrdf.detectors.resilient.geometry import describer_of, is_on_part
from dcrdf.modalities import DEPTH, MODALITIES, RGB, Modality
from dcrdf.networks.geometry.windows import at_places
from dcrdf.networks.teacher import Teacher, TeacherShape
from dcrdf.tensors.scans import ScanBatch

QUARTER_PX = 4
Batches = Callable[[], Iterable[ScanBatch]]
"""Starts a pass over the training scans."""


class Seen(NamedTuple):
    """Features of places by modality (B, h, w, C); where there is geometry, and where the part is
    (B, h, w); None without heights."""

    features: dict[Modality, Tensor]
    given: Tensor | None
    on_part: Tensor | None


class JointScale(nn.Module):
    """One mean and one deviation for all channels of a modality: distances of a modality are but
    scaled, while deviations by channel would blow up bins that are nearly always empty."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("deviation", torch.ones(()))

    def fit(self, rows: Iterable[Tensor]) -> None:
        """From all training places, chunk by chunk (n, C)."""
        count, total, squares = 0, 0.0, 0.0
        for chunk in rows:
            values = chunk.double()
            count += values.numel()
            total += float(values.sum())
            squares += float(values.square().sum())
        mean = total / max(count, 1)
        self.mean.fill_(mean)
        variance = squares / max(count, 1) - mean**2
        self.deviation.fill_(max(variance, 1e-12) ** 0.5)

    def forward(self, values: Tensor) -> Tensor:
        """The same in deviations from the mean."""
        scaled: Tensor = (values - self.mean) / self.deviation
        return scaled


class FeatureMaps(nn.Module):
    """The extractors beside the teacher, and what they learn of training scans."""

    def __init__(self, shape: TeacherShape, options: ResilientOptions) -> None:
        super().__init__()
        self.options = options
        self.colour_channels = sum(shape.channels[stage - 1] for stage in options.stages)
        self.native_px = min(shape.strides[stage - 1] for stage in options.stages)
        self.describer = describer_of(options)
        self.scales = nn.ModuleDict({name: JointScale() for name in MODALITIES})

    @property
    def place_px(self) -> int:
        """Pixels of a place along each side."""
        return self.native_px if self.options.grid == "native" else QUARTER_PX

    @property
    def channels(self) -> dict[Modality, int]:
        """Of a place's features, by modality."""
        of_image = self.colour_channels
        geometry = of_image if self.describer is None else self.describer.channels
        return {RGB: of_image, DEPTH: geometry}

    def fit(self, batches: Batches) -> None:
        """Read pretrained weights and learn which edges are sharp, where that counts."""
        if self.describer is not None:
            self.describer.fit(batches)

    def scaled(self, seen: Seen) -> Seen:
        """On the scale of training."""
        features = {name: self.scales[name](x) for name, x in seen.features.items()}
        return seen._replace(features=features)

    def forward(self, teacher: Teacher, batch: ScanBatch) -> Seen:
        """Features as they are, of the modalities that there are."""
        found: dict[Modality, Tensor] = {}
        if batch.rgb is not None:
            found[RGB] = self._of_image(teacher, batch.rgb)
        if batch.surface is None:
            return Seen(found, None, None)
        with torch.autocast(batch.inside.device.type, enabled=False):
            inside = is_on_part(batch, as_image=self.describer is None)
            if self.describer is None:
                values = self._of_image(teacher, batch.surface)
                given = at_places(inside, self.place_px)
            else:
                values, given = self.describer(batch, self.place_px)
                values = values.float().permute(0, 2, 3, 1)
        assert batch.outline is not None
        return Seen({**found, DEPTH: values}, given, at_places(batch.outline, self.place_px))

    def _of_image(self, teacher: Teacher, images: Tensor) -> Tensor:
        """The teacher's stages, joined: (B, h, w, C)."""
        stages = teacher(images)
        chosen = [stages[stage - 1].float() for stage in self.options.stages]
        size = (images.shape[2] // self.place_px, images.shape[3] // self.place_px)
        return joined_stages(chosen, self.options.patch_pool, size).permute(0, 2, 3, 1)
