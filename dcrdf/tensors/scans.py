"""Prepared scans for detectors: as arrays that go onto the device (`Scans`), and a batch of them
there (`ScanBatch`)."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcrdf.modalities import DEPTH, RGB, Modality
from dcrdf.scans.arrays import ScanArrays, each, without
from dcrdf.tensors.images import rgb_tensor, surface_tensor
from dcrdf.tensors.orientation import oriented, oriented_surface, turned, turned_normals


@dataclass(frozen=True, kw_only=True)
class Scans(ScanArrays):
    """Prepared scans that detectors learn and score."""

    def oriented(self, orientations: NDArray[np.intp]) -> Self:
        """Colour, surface and outline of each scan in its own orientation; ValueError for points,
        as in `ScanBatch.turned`."""
        if self.points is not None and orientations.any():
            raise ValueError("scans with points are learnt as they are")
        rgb, surface = self.both()
        shown = oriented_surface(surface, orientations)
        is_height = self.normals is None
        return type(self)(
            inside=oriented(self.inside, orientations),
            rgb=oriented(rgb, orientations),
            height=shown if is_height else None,
            normals=None if is_height else shown,
            outline=None if self.outline is None else oriented(self.outline, orientations),
        )

    def batch(self, device: torch.device, needs: Collection[str] = ()) -> "ScanBatch":
        """All of these scans on the device; outline and points where they are needed."""
        surface = self.surface
        return ScanBatch(
            inside=torch.from_numpy(np.ascontiguousarray(self.inside)).to(device),
            rgb=None if self.rgb is None else rgb_tensor(self.rgb, device),
            surface=None if surface is None else surface_tensor(surface, device),
            has_normals=self.normals is not None,
            valid=_tensor(self.valid, device),
            outline=_tensor(self.outline, device) if "outline" in needs else None,
            points=_channels_first(self.points, device) if "points" in needs else None,
        )


@dataclass(frozen=True, kw_only=True)
class ScanBatch:
    """A batch of B prepared scans on the device; a field is None where the scans lack it or nobody
    asked.

    `rgb` (B, 3, S, S) in [0, 1]; `surface` (B, 3, S, S), the replicated height, or normals where
    `has_normals` says so; (B, S, S) bool each, where the image is (`inside`), height was measured
    (`valid`), the part is (`outline`); `points` (B, 3, S, S) in metres, missing ones 0.
    """

    inside: Tensor
    rgb: Tensor | None = None
    surface: Tensor | None = None
    valid: Tensor | None = None
    outline: Tensor | None = None
    points: Tensor | None = None
    has_normals: bool = False

    def __len__(self) -> int:
        return len(self.inside)

    @property
    def count(self) -> int:
        """B; in a graph that is exported a symbol, which `len` would fix."""
        return self.inside.shape[0]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.inside.shape[1], self.inside.shape[2]

    @property
    def images(self) -> dict[Modality, Tensor]:
        """What each modality's branch sees, (B, 3, S, S), of those that are there."""
        both: dict[Modality, Tensor | None] = {RGB: self.rgb, DEPTH: self.surface}
        return {name: image for name, image in both.items() if image is not None}

    def without(self, modality: Modality) -> Self:
        """The same scans as if they had come without a modality."""
        remaining: Self = without(self, modality)
        return remaining

    def rows(self, rows: slice | Tensor) -> Self:
        """The same of some of the scans."""
        selected: Self = each(self, lambda x: x[rows], Tensor)
        return selected

    def to(self, device: torch.device) -> Self:
        """On another device."""
        moved: Self = each(self, lambda x: x.to(device), Tensor)
        return moved

    def turned(self, orientation: int) -> Self:
        """Shown in one of the square's orientations; normals turn as vectors do.

        Raises ValueError for points, whose handedness a mirror image would change.
        """
        if orientation == 0:
            return self
        if self.points is not None:
            raise ValueError("scans with points are scored as they are")
        shown: Self = each(self, lambda x: turned(x, orientation), Tensor)
        if not self.has_normals or self.surface is None:
            return shown
        return replace(shown, surface=turned_normals(self.surface, orientation))


def _tensor(values: NDArray[np.generic] | None, device: torch.device) -> Tensor | None:
    if values is None:
        return None
    return torch.from_numpy(np.ascontiguousarray(values)).to(device)


def _channels_first(values: NDArray[np.generic] | None, device: torch.device) -> Tensor | None:
    tensor = _tensor(values, device)
    return None if tensor is None else tensor.permute(0, 3, 1, 2).contiguous()
