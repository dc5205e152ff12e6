"""The frozen teacher's features of a fixed set of images, computed once where memory allows."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dcrdf.modalities import MODALITIES, Modality
from dcrdf.networks.teacher import Features, Teacher
from dcrdf.tensors.images import rgb_tensor, surface_tensor
from dcrdf.tensors.orientation import (
    ORIENTATIONS,
    descriptor,
    natural_orientations,
    orientation_ratios,
)
from dcrdf.tensors.scans import ScanBatch, Scans

CHUNK = 16
AS_IT_IS = np.zeros(1, np.intp)


@dataclass(frozen=True)
class ModalityFeatures:
    """Teacher features of both modalities for the same rows."""

    rgb: Features
    depth: Features

    def of(self, modality: Modality) -> Features:
        """Those of one modality."""
        features: Features = getattr(self, modality)
        return features

    def by_modality(self) -> dict[Modality, Features]:
        """Those of each modality."""
        return {name: self.of(name) for name in MODALITIES}

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


def teacher_features(teacher: Teacher, scans: Scans, device: torch.device) -> ModalityFeatures:
    """Features of colour and surface of the scans from one pass over the stacked batch.

    In float32 also under autocast: they are what students are measured by, and a cache that is
    filled before a training must hold the same bits.
    """
    rgb, surface = scans.both()
    stacked = torch.cat([rgb_tensor(rgb, device), surface_tensor(surface, device)])
    with torch.autocast(device.type, enabled=False):
        features = teacher(stacked)
    count = len(scans)
    return ModalityFeatures([x[:count] for x in features], [x[count:] for x in features])


def batch_features(teacher: Teacher, batch: ScanBatch) -> dict[Modality, Features]:
    """Features of the modalities that scans on the device have, from one pass."""
    images = batch.images
    features = teacher(torch.cat(list(images.values())))
    # A batch of any size: exported graphs keep it open.
    parts = zip(*(x.unflatten(0, (len(images), -1)).unbind(0) for x in features), strict=True)
    return {name: list(part) for name, part in zip(images, parts, strict=True)}


class FeatureSource:
    """Teacher features by row number and orientation; held on the device when they fit into
    `cache_mb`. `orientations` are those that can be asked for."""

    def __init__(
        self,
        teacher: Teacher,
        scans: Scans,
        device: torch.device,
        cache_mb: float,
        orientations: NDArray[np.intp] = AS_IT_IS,
    ) -> None:
        self._teacher, self._scans, self._device = teacher, scans, device
        self._orientations = orientations
        self._cache: ModalityFeatures | None = None
        if self.size_mb() <= cache_mb:
            self._cache = self._all_features()

    def __len__(self) -> int:
        return len(self._scans)

    def size_mb(self) -> float:
        """Memory that the features of all rows and orientations take, in float32."""
        probe = teacher_features(self._teacher, self._scans[:1], self._device)
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
        shown = self._scans[rows].oriented(orientations)
        return teacher_features(self._teacher, shown, self._device)

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


def orientations_of(teacher: Teacher, scans: Scans, device: torch.device) -> NDArray[np.intp]:
    """The orientations that good parts show by themselves, found with the teacher's last stage; the
    image as it is comes first."""
    if len(scans) < 2:
        return AS_IT_IS
    found: dict[Modality, list[torch.Tensor]] = {name: [] for name in MODALITIES}
    for number in range(ORIENTATIONS):
        for start in range(0, len(scans), CHUNK):
            chunk = scans[start : start + CHUNK]
            turn = np.full(len(chunk), number)
            features = teacher_features(teacher, chunk.oriented(turn), device)
            for name, descriptors in found.items():
                descriptors.append(descriptor(features.of(name)[-1]))
    ratios = [
        orientation_ratios(torch.cat(parts).unflatten(0, (ORIENTATIONS, len(scans))))
        for parts in found.values()
    ]
    return natural_orientations(np.stack(ratios))
