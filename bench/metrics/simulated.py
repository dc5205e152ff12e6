"""The split that is measured: simulated maps with defects that mostly stand out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 256
DEFECT_SHARE = 0.0077

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """Maps (images, height, width) and image scores, masks and labels (True: defect)."""

    maps: Floats
    masks: Bools
    scores: Floats
    labels: Bools

    def with_maps(self, maps: Any) -> "Split":
        """The same images with other maps."""
        return Split(maps, self.masks, self.scores, self.labels)


class Resized(Sequence[Floats]):
    """Maps at native size that exist only while they are looked at."""

    def __init__(self, maps: Floats, side: int) -> None:
        self.maps, self.side = maps, side

    def __len__(self) -> int:
        return len(self.maps)

    def __getitem__(self, index: Any) -> Any:
        if index >= len(self):
            raise IndexError(index)
        return cv2.resize(self.maps[index], (self.side, self.side))


def simulate(images: int) -> Split:
    """Smooth noise; four of five images hold one to three ellipses that mostly stand out."""
    generator = np.random.default_rng(0)
    defective = images * 4 // 5
    labels = np.arange(images) >= images - defective
    overlapping = 1.07
    region_px = overlapping * DEFECT_SHARE * images * SIDE * SIDE / (2 * defective)
    maps = np.empty((images, SIDE, SIDE), np.float32)
    masks = np.zeros(maps.shape, np.bool_)
    for index in range(images):
        noise = generator.standard_normal((SIDE, SIDE)).astype(np.float32)
        maps[index] = 0.2 + np.abs(cv2.GaussianBlur(noise, (0, 0), 4))
        for _ in range(generator.integers(1, 4) if labels[index] else 0):
            region = ellipse(generator, region_px)
            masks[index] |= region
            strength = generator.uniform(0.0, 0.4)
            maps[index] += strength * cv2.GaussianBlur(region.astype(np.float32), (0, 0), 3)
    return Split(maps, masks, maps.max(axis=(1, 2)), labels)


def ellipse(generator: np.random.Generator, area_px: float) -> Bools:
    """An ellipse of about that area, True inside, at a random place."""
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    longer = np.sqrt(area_px / np.pi * generator.uniform(0.2, 2.5))
    axes = (max(int(longer), 1), max(int(longer * generator.uniform(0.4, 1.0)), 1))
    centre = [int(value) for value in generator.integers(20, SIDE - 20, 2)]
    cv2.ellipse(canvas, centre, axes, generator.uniform(0, 180), 0, 360, 1, -1)
    return canvas > 0
