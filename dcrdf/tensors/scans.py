"""Prepared scans: as arrays (`Scans`), and a batch of them on the device (`ScanBatch`)."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcrdf.modalities import DEPTH, RGB, Modality
from dcrdf.tensors.images import rgb_tensor, surface_tensor
from dcrdf.tensors.orientation import oriented, oriented_surface, turned, turned_normals

OF_MODALITY: dict[str, tuple[str, ...]] = {
    RGB: ("rgb",),
    DEPTH: (
        *("height", "valid", "outline", "on_part", "normals", "points", "surface"),
        *("missing_share", "foreground_share", "distance_m", "size_m"),
    ),
}
"""What scans lack without a modality."""


@dataclass(frozen=True, kw_only=True)
class Scans:
    """N prepared scans of S x S pixels as arrays; a field is None where the scans lack it.

    `rgb` (N, S, S, 3) uint8, `height` (N, S, S) normalised, `normals` (N, S, S, 3) encoded in
    [0, 1], `points` (N, S, S, 3) in metres, missing ones 0; masks (N, S, S): `inside`, where the
    image is (not a letterbox's bars), `valid`, where height was measured, `outline`, where the
    part is, `on_part`, where the height is the part's, also where it was filled. Of each scan at
    its own size, (N,): the shares that were not measured and that are inspected, the median
    distance from the camera and the diagonal of what is inspected.
    """

    inside: NDArray[np.bool_]
    rgb: NDArray[np.uint8] | None = None
    height: NDArray[np.floating] | None = None
    valid: NDArray[np.bool_] | None = None
    outline: NDArray[np.bool_] | None = None
    on_part: NDArray[np.bool_] | None = None
    normals: NDArray[np.floating] | None = None
    points: NDArray[np.float32] | None = None
    missing_share: NDArray[np.float64] | None = None
    foreground_share: NDArray[np.float64] | None = None
    distance_m: NDArray[np.float64] | None = None
    size_m: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.inside)

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> Self:
        """The same of some of the scans."""
        return _each(self, lambda x: x[rows])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.inside.shape[1], self.inside.shape[2]

    @property
    def surface(self) -> NDArray[np.floating] | None:
        """What the second branch sees: normals where there are some, else heights."""
        return self.height if self.normals is None else self.normals

    @property
    def absent(self) -> Modality | None:
        """The modality that the scans lack; None where they have both."""
        if self.rgb is None:
            return RGB
        return DEPTH if self.surface is None else None

    def both(self) -> tuple[NDArray[np.uint8], NDArray[np.floating]]:
        """Colour and surface of scans that have both; ValueError for others."""
        surface = self.surface
        if self.rgb is None or surface is None:
            raise ValueError("these scans lack a modality")
        return self.rgb, surface

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

    def without(self, modality: Modality) -> Self:
        """The same scans as if they had come without a modality."""
        return _without(self, modality)

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
        return _without(self, modality)

    def rows(self, rows: slice | Tensor) -> Self:
        """The same of some of the scans."""
        return _each(self, lambda x: x[rows])

    def to(self, device: torch.device) -> Self:
        """On another device."""
        return _each(self, lambda x: x.to(device))

    def turned(self, orientation: int) -> Self:
        """Shown in one of the square's orientations; normals turn as vectors do.

        Raises ValueError for points, whose handedness a mirror image would change.
        """
        if orientation == 0:
            return self
        if self.points is not None:
            raise ValueError("scans with points are scored as they are")
        shown = _each(self, lambda x: turned(x, orientation))
        if not self.has_normals or self.surface is None:
            return shown
        return replace(shown, surface=turned_normals(self.surface, orientation))


def _each(scans: Any, function: Callable[[Any], Any]) -> Any:
    """The same scans with a function applied to every array or tensor."""
    held = {field.name: getattr(scans, field.name) for field in fields(scans)}
    changed = {name: function(x) for name, x in held.items() if isinstance(x, np.ndarray | Tensor)}
    return replace(scans, **changed)


def _without(scans: Any, modality: Modality) -> Any:
    lacked = {field.name for field in fields(scans)} & set(OF_MODALITY[modality])
    return replace(scans, **dict.fromkeys(lacked))


def _tensor(values: NDArray[np.generic] | None, device: torch.device) -> Tensor | None:
    if values is None:
        return None
    return torch.from_numpy(np.ascontiguousarray(values)).to(device)


def _channels_first(values: NDArray[np.generic] | None, device: torch.device) -> Tensor | None:
    tensor = _tensor(values, device)
    return None if tensor is None else tensor.permute(0, 3, 1, 2).contiguous()
