"""Prepared scans as arrays."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dcrdf.modalities import DEPTH, RGB, Modality

OF_MODALITY: dict[str, tuple[str, ...]] = {
    RGB: ("rgb",),
    DEPTH: (
        *("height", "valid", "outline", "on_part", "normals", "points", "surface"),
        *("missing_share", "foreground_share", "distance_m", "size_m"),
    ),
}
"""What scans lack without a modality."""


@dataclass(frozen=True, kw_only=True)
class ScanArrays:
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
        selected: Self = each(self, lambda x: x[rows], np.ndarray)
        return selected

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

    def without(self, modality: Modality) -> Self:
        """The same scans as if they had come without a modality."""
        remaining: Self = without(self, modality)
        return remaining


def each(scans: Any, function: Callable[[Any], Any], kind: type | tuple[type, ...]) -> Any:
    """The same scans with a function applied to every field of that kind."""
    held = {field.name: getattr(scans, field.name) for field in fields(scans)}
    return replace(scans, **{name: function(x) for name, x in held.items() if isinstance(x, kind)})


def without(scans: Any, modality: Modality) -> Any:
    """The same scans less all that belongs to a modality."""
    lacked = {field.name for field in fields(scans)} & set(OF_MODALITY[modality])
    return replace(scans, **dict.fromkeys(lacked))
