"""The eight symmetries of the square, and which of them good parts show by themselves."""

from collections.abc import Iterable
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

ORIENTATIONS = 8
SPREAD = (0, 5, 2, 7, 1, 4, 3, 6)
"""The order in which some are taken where not all are: the image, its two diagonal mirror images
with the half turn between them, then the rest."""
GRID = 8
"""Cells per side of the descriptor that compares whole images."""
NATURAL_RATIO = 1.5
"""A turned part may be this much farther from other good parts than these are from each other."""
Scalar = TypeVar("Scalar", bound=np.generic)


def oriented(images: NDArray[Scalar], orientations: NDArray[np.intp]) -> NDArray[Scalar]:
    """Square images (B, S, S, ...), each in its own orientation: 0 to 3 quarter turns, then the
    same of the mirror image; orientation 0 is the image as it is."""
    return np.stack(
        [
            np.rot90(np.flip(image, 1) if number >= 4 else image, number % 4)
            for image, number in zip(images, orientations, strict=True)
        ]
    )


def turned(images: Tensor, orientation: int) -> Tensor:
    """Images (..., S, S) in an orientation: `oriented` for tensors."""
    mirrored = images.flip(-1) if orientation >= 4 else images
    return torch.rot90(mirrored, orientation % 4, (-2, -1))


def turned_normals(encoded: Tensor, orientation: int) -> Tensor:
    """Normals (B, 3, S, S), encoded as (n + 1) / 2 with x to the right and y down, in an
    orientation: pixels move, and the vectors turn with them. What is black has none, and stays so.
    """
    shown = turned(encoded, orientation)
    x, y, z = shown.unbind(1)
    if orientation >= 4:
        x = 1.0 - x
    for _ in range(orientation % 4):
        x, y = y, 1.0 - x
    return torch.stack([x, y, z], dim=1) * shown.any(dim=1, keepdim=True)


def oriented_surface(
    surface: NDArray[np.floating], orientations: NDArray[np.intp]
) -> NDArray[np.floating]:
    """`oriented` for what the second branch sees: heights (B, S, S), or normals (B, S, S, 3), whose
    vectors turn, too."""
    if surface.ndim == 3:
        return oriented(surface, orientations)
    encoded = torch.from_numpy(np.ascontiguousarray(surface, dtype=np.float32))
    shown = [
        turned_normals(one.permute(2, 0, 1).unsqueeze(0), int(number))
        for one, number in zip(encoded, orientations, strict=True)
    ]
    return torch.cat(shown).permute(0, 2, 3, 1).numpy()


def turned_back(images: Tensor, orientation: int) -> Tensor:
    """The inverse of `turned`."""
    upright = torch.rot90(images, -(orientation % 4), (-2, -1))
    return upright.flip(-1) if orientation >= 4 else upright


def some_of(orientations: Iterable[int], count: int) -> list[int]:
    """At most so many of the orientations, in the order of `SPREAD`."""
    given = set(orientations)
    return [number for number in SPREAD if number in given][:count]


def descriptor(features: Tensor) -> Tensor:
    """Coarse layout of teacher features (B, C, H, W): unit vectors of an 8 x 8 grid, (B, 64 C)."""
    pooled = functional.adaptive_avg_pool2d(features, GRID)
    return functional.normalize(pooled, dim=1).flatten(1)


def orientation_ratios(descriptors: Tensor) -> NDArray[np.float64]:
    """How much farther than another good part a turned part is: (O,), 1 for orientation 0.

    `descriptors` is (O, N, D), N >= 2 images in O orientations; the ratio is that of the median
    distances from a turned image to the nearest other image as it is.
    """
    as_is = descriptors[0]
    own = torch.eye(len(as_is), dtype=torch.bool, device=as_is.device)
    distances = [torch.cdist(turned, as_is).masked_fill(own, torch.inf) for turned in descriptors]
    medians = torch.stack([x.amin(dim=1).median() for x in distances]).double().cpu().numpy()
    ratios: NDArray[np.float64] = medians / max(medians[0], np.finfo(np.float32).tiny)
    return ratios


def natural_orientations(ratios: NDArray[np.float64]) -> NDArray[np.intp]:
    """The orientations whose ratio is small; 0 is always among them.

    `ratios` is (M, O), a row for each modality: an orientation must be natural in all of them.
    """
    natural = np.flatnonzero(ratios.max(axis=0) <= NATURAL_RATIO)
    return np.union1d(natural, [0]).astype(np.intp)
