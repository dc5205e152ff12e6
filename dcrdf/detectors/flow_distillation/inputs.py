"""What teacher and student read: colour features and heights on one grid, and which cells count."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from dcrdf.config.detectors import FlowDistillationOptions
from dcrdf.networks.teacher import Teacher
from dcrdf.tensors.scans import ScanBatch, Scans


class CellInputs(NamedTuple):
    """Of B scans on a grid of g x g cells: colour features (B, C, g, g), heights (B, K, g, g), the
    cells (B, g, g) bool that hold some of the part, and its share of the image, (B,). What belongs
    to an absent modality has no channels."""

    colour: Tensor
    height: Tensor
    part: Tensor
    share: Tensor


@dataclass(frozen=True)
class InputMaker:
    """Makes them of scans, with the frozen network that sees the colour."""

    teacher: Teacher
    options: FlowDistillationOptions

    def __call__(self, batch: ScanBatch) -> CellInputs:
        """Of scans that have at least one modality. Where the part is not known, it is taken to
        fill the image."""
        stage = self.options.feature_stage - 1
        stride = self.teacher.shape.strides[stage]
        side = batch.size[0] // stride
        part = batch.inside if batch.outline is None else batch.outline
        pixels = batch.inside.sum(dim=(1, 2)).clamp_min(1)
        nothing = torch.zeros((batch.count, 0, side, side), device=part.device)
        return CellInputs(
            nothing if batch.rgb is None else self.teacher(batch.rgb)[stage],
            nothing if batch.surface is None else self._height(batch.surface[:, 0], part, side),
            functional.max_pool2d(part.float().unsqueeze(1), stride).squeeze(1) > 0.0,
            part.sum(dim=(1, 2)) / pixels,
        )

    def of_good(self, scans: Scans, device: torch.device) -> CellInputs:
        """Of scans that are learnt: in float32 also under autocast, as a cache holds them."""
        with torch.autocast(device.type, enabled=False), torch.no_grad():
            return self(scans.batch(device, self.options.needs()))

    def _height(self, height: Tensor, part: Tensor, side: int) -> Tensor:
        """Heights (B, S, S) of the part, 0 beside it, their pixels as channels."""
        cell = self.options.depth_cell
        if self.options.depth_centre == "image":
            height = centred(height, part)
        height = height.masked_fill(~part, 0.0).unsqueeze(1)
        fine = functional.interpolate(height, size=(side * cell, side * cell), mode="area")
        return functional.pixel_unshuffle(fine, cell)


def centred(height: Tensor, part: Tensor) -> Tensor:
    """Heights (B, S, S) less their mean over the part (B, S, S) bool; as they are without one."""
    count = part.sum(dim=(1, 2), keepdim=True).clamp_min(1)
    return height - height.masked_fill(~part, 0.0).sum(dim=(1, 2), keepdim=True) / count
