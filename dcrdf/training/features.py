"""The frozen teacher's features of a fixed set of images, computed once where memory allows."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dcrdf.networks.teacher import Features, Teacher
from dcrdf.training.images import depth_tensor, rgb_tensor

CHUNK = 16


@dataclass(frozen=True)
class ModalityFeatures:
    """Teacher features of both modalities for the same rows."""

    rgb: Features
    depth: Features

    def joined(self, other: "ModalityFeatures") -> "ModalityFeatures":
        """Both batches in one, `self` first."""
        return ModalityFeatures(
            [torch.cat(pair) for pair in zip(self.rgb, other.rgb, strict=True)],
            [torch.cat(pair) for pair in zip(self.depth, other.depth, strict=True)],
        )


def teacher_features(
    teacher: Teacher, rgb: NDArray[np.uint8], depth: NDArray[np.floating], device: torch.device
) -> ModalityFeatures:
    """Features of colour (B, H, W, 3) and height (B, H, W) from one pass over the stacked batch."""
    stacked = torch.cat([rgb_tensor(rgb, device), depth_tensor(depth, device)])
    features = teacher(stacked)
    count = len(rgb)
    return ModalityFeatures([x[:count] for x in features], [x[count:] for x in features])


class FeatureSource:
    """Teacher features by row number; held on the device when they fit into `cache_mb`."""

    def __init__(
        self,
        teacher: Teacher,
        rgb: NDArray[np.uint8],
        depth: NDArray[np.floating],
        device: torch.device,
        cache_mb: float,
    ) -> None:
        self._teacher, self._rgb, self._depth, self._device = teacher, rgb, depth, device
        self._cache: ModalityFeatures | None = None
        if self.size_mb() <= cache_mb:
            self._cache = self._all_features()

    def __len__(self) -> int:
        return len(self._rgb)

    def size_mb(self) -> float:
        """Memory that the features of all rows take, in float32."""
        probe = teacher_features(self._teacher, self._rgb[:1], self._depth[:1], self._device)
        values = sum(x.numel() for x in probe.rgb + probe.depth)
        return 4.0 * values * len(self) / 2**20

    def rows(self, rows: NDArray[np.intp]) -> ModalityFeatures:
        """Features of the rows, in their order."""
        if self._cache is None:
            ordered = np.asarray(rows)
            return teacher_features(
                self._teacher, self._rgb[ordered], self._depth[ordered], self._device
            )
        index = torch.as_tensor(rows, device=self._device)
        return ModalityFeatures(
            [x[index] for x in self._cache.rgb], [x[index] for x in self._cache.depth]
        )

    def _all_features(self) -> ModalityFeatures:
        chunks = [
            teacher_features(
                self._teacher,
                self._rgb[start : start + CHUNK],
                self._depth[start : start + CHUNK],
                self._device,
            )
            for start in range(0, len(self), CHUNK)
        ]
        stages = range(len(chunks[0].rgb))
        return ModalityFeatures(
            [torch.cat([chunk.rgb[i] for chunk in chunks]) for i in stages],
            [torch.cat([chunk.depth[i] for chunk in chunks]) for i in stages],
        )
