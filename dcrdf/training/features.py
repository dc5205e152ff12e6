"""The frozen teacher's features of a fixed set of images, computed once where memory allows."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dcrdf.networks.teacher import Features, Teacher
from dcrdf.tensors.images import depth_tensor, rgb_tensor
from dcrdf.tensors.orientation import (
    ORIENTATIONS,
    descriptor,
    natural_orientations,
    orientation_ratios,
    oriented,
)

CHUNK = 16
AS_IT_IS = np.zeros(1, np.intp)


@dataclass(frozen=True)
class ModalityFeatures:
    """Teacher features of both modalities for the same rows."""

    rgb: Features
    depth: Features

    def room_for(self, count: int) -> "ModalityFeatures":
        """Features of so many images of that kind, to be `put`: filled in place, a cache takes no
        more memory than it holds."""
        return ModalityFeatures(
            [x.new_empty((count, *x.shape[1:])) for x in self.rgb],
            [x.new_empty((count, *x.shape[1:])) for x in self.depth],
        )

    def put(self, rows: slice, features: "ModalityFeatures") -> None:
        """Write the features of these rows."""
        for held, given in zip(self.rgb + self.depth, features.rgb + features.depth, strict=True):
            held[rows] = given

    def joined(self, other: "ModalityFeatures") -> "ModalityFeatures":
        """Both batches in one, `self` first."""
        return ModalityFeatures(
            [torch.cat(pair) for pair in zip(self.rgb, other.rgb, strict=True)],
            [torch.cat(pair) for pair in zip(self.depth, other.depth, strict=True)],
        )


def teacher_features(
    teacher: Teacher, rgb: NDArray[np.uint8], depth: NDArray[np.floating], device: torch.device
) -> ModalityFeatures:
    """Features of colour (B, H, W, 3) and height (B, H, W) from one pass over the stacked batch.

    In float32 also under autocast: they are what students are measured by, and a cache that is
    filled before a training must hold the same bits.
    """
    stacked = torch.cat([rgb_tensor(rgb, device), depth_tensor(depth, device)])
    with torch.autocast(device.type, enabled=False):
        features = teacher(stacked)
    count = len(rgb)
    return ModalityFeatures([x[:count] for x in features], [x[count:] for x in features])


class FeatureSource:
    """Teacher features by row number and orientation; held on the device when they fit into
    `cache_mb`. `orientations` are those that can be asked for."""

    def __init__(
        self,
        teacher: Teacher,
        rgb: NDArray[np.uint8],
        depth: NDArray[np.floating],
        device: torch.device,
        cache_mb: float,
        orientations: NDArray[np.intp] = AS_IT_IS,
    ) -> None:
        self._teacher, self._rgb, self._depth, self._device = teacher, rgb, depth, device
        self._orientations = orientations
        self._cache: ModalityFeatures | None = None
        if self.size_mb() <= cache_mb:
            self._cache = self._all_features()

    def __len__(self) -> int:
        return len(self._rgb)

    def size_mb(self) -> float:
        """Memory that the features of all rows and orientations take, in float32."""
        probe = teacher_features(self._teacher, self._rgb[:1], self._depth[:1], self._device)
        values = sum(x.numel() for x in probe.rgb + probe.depth)
        return 4.0 * values * len(self) * len(self._orientations) / 2**20

    def rows(
        self, rows: NDArray[np.intp], turns: NDArray[np.intp] | None = None
    ) -> ModalityFeatures:
        """Features of the rows, in their order; as they are, or in the orientations number `turns`
        of the list."""
        chosen = np.zeros(len(rows), np.intp) if turns is None else turns
        if self._cache is None:
            return self._computed(np.asarray(rows), self._orientations[chosen])
        index = torch.as_tensor(chosen * len(self) + rows, device=self._device)
        return ModalityFeatures(
            [x[index] for x in self._cache.rgb], [x[index] for x in self._cache.depth]
        )

    def batches(self, size: int) -> Iterator[ModalityFeatures]:
        """Features of all rows in batches, in one orientation of the list after the other."""
        for number in range(len(self._orientations)):
            for start in range(0, len(self), size):
                rows = np.arange(start, min(start + size, len(self)))
                yield self.rows(rows, np.full(len(rows), number))

    def _computed(self, rows: NDArray[np.intp], orientations: NDArray[np.intp]) -> ModalityFeatures:
        return teacher_features(
            self._teacher,
            oriented(self._rgb[rows], orientations),
            oriented(self._depth[rows], orientations),
            self._device,
        )

    def _all_features(self) -> ModalityFeatures:
        rows = np.tile(np.arange(len(self)), len(self._orientations))
        turned = np.repeat(self._orientations, len(self))
        held: ModalityFeatures | None = None
        for start in range(0, len(rows), CHUNK):
            here = slice(start, start + CHUNK)
            chunk = self._computed(rows[here], turned[here])
            if held is None:
                held = chunk.room_for(len(rows))
            held.put(here, chunk)
        assert held is not None
        return held


def orientations_of(
    teacher: Teacher, rgb: NDArray[np.uint8], depth: NDArray[np.floating], device: torch.device
) -> NDArray[np.intp]:
    """The orientations that good parts (N, S, S, ...) show by themselves, found with the teacher's
    last stage; the image as it is comes first."""
    if len(rgb) < 2:
        return AS_IT_IS
    found: dict[str, list[torch.Tensor]] = {"rgb": [], "depth": []}
    for number in range(ORIENTATIONS):
        for start in range(0, len(rgb), CHUNK):
            rows = slice(start, start + CHUNK)
            turn = np.full(len(rgb[rows]), number)
            features = teacher_features(
                teacher, oriented(rgb[rows], turn), oriented(depth[rows], turn), device
            )
            found["rgb"].append(descriptor(features.rgb[-1]))
            found["depth"].append(descriptor(features.depth[-1]))
    ratios = [
        orientation_ratios(torch.cat(parts).unflatten(0, (ORIENTATIONS, len(rgb))))
        for parts in found.values()
    ]
    return natural_orientations(np.stack(ratios))
