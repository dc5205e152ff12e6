"""The one scoring path: branch maps -> fused map -> image scores.

`infer`, `predict` and the Python API all go through `Scorer`, so a score never depends on which of
them asked for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcrdf.config.options import InferOptions
from dcrdf.detectors.base import BRANCHES, Detector, NormalSamples
from dcrdf.detectors.blur import gaussian_blur
from dcrdf.detectors.branch_statistics import BranchStatistics
from dcrdf.detectors.fixed_fusion import PEAK_FUSIONS, fuse, loudness
from dcrdf.training.images import depth_tensor, rgb_tensor


@dataclass(frozen=True)
class Prediction:
    """Maps (B, H, W) float32 and image scores (B,) float64 by branch, `fused` among them.

    `loudness` (B,) of the branches: the level of each image's map over the highest of good
    validation images; far above one, the whole image is unlike what the branch was trained on.
    """

    maps: Mapping[str, NDArray[np.float32]]
    scores: Mapping[str, NDArray[np.float64]]
    loudness: Mapping[str, NDArray[np.float64]]


class Scorer:
    """A fitted detector with its fusion: images in, predictions out."""

    def __init__(
        self,
        detector: Detector,
        options: InferOptions,
        statistics: Mapping[str, BranchStatistics],
        device: torch.device,
    ) -> None:
        self.detector = detector.for_inference().to(device)
        self.options = options
        self.statistics = statistics
        self.device = device
        self.detector.maps = options.maps

    @classmethod
    def calibrate(
        cls,
        detector: Detector,
        options: InferOptions,
        validation: NormalSamples,
        device: torch.device,
    ) -> tuple[Self, list[Prediction]]:
        """A scorer whose fusion statistics come from the validation split, and its predictions of
        that split in batches: the network sees every image once."""
        bare = cls(detector, options, {}, device)
        batches = [
            bare.raw_maps(validation.rgb[rows], validation.depth[rows])
            for rows in batch_slices(len(validation), options.batch_size)
        ]
        statistics = {
            name: BranchStatistics.of_maps(
                np.concatenate([raw[name].cpu().numpy() for raw in batches]),
                validation.foreground,
                options.blur_sigma_px,
            )
            for name in BRANCHES
        }
        scorer = cls(bare.detector, options, statistics, device)
        return scorer, [scorer.finish(raw) for raw in batches]

    @torch.no_grad()
    def raw_maps(
        self, rgb: NDArray[np.uint8] | None, depth: NDArray[np.floating] | None
    ) -> dict[str, Tensor]:
        """The detector's own maps, before fusion and blur."""
        half = self.options.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            raw = self.detector.branch_maps(
                None if rgb is None else rgb_tensor(rgb, self.device),
                None if depth is None else depth_tensor(depth, self.device),
            )
        return {name: maps.float() for name, maps in raw.items()}

    def score(
        self, rgb: NDArray[np.uint8] | None, depth: NDArray[np.floating] | None
    ) -> Prediction:
        """Score colour images (B, H, W, 3) and normalised heights (B, H, W).

        Without one modality the fused map is the other branch's.
        """
        return self.finish(self.raw_maps(rgb, depth))

    @torch.no_grad()
    def finish(self, raw: Mapping[str, Tensor]) -> Prediction:
        """Raw maps -> fused, blurred maps and image scores."""
        blurred = {name: self._blur(raw[name]) for name in BRANCHES if name in raw}
        maps = {"fused": self._fused(raw, blurred), **blurred}
        levels = loudness(blurred, self.statistics) if self.statistics else {}
        return Prediction(
            {name: x.cpu().numpy() for name, x in maps.items()},
            {name: self._image_scores(x) for name, x in maps.items()},
            {name: x.double().cpu().numpy() for name, x in levels.items()},
        )

    def _fused(self, raw: Mapping[str, Tensor], blurred: Mapping[str, Tensor]) -> Tensor:
        fusion = self.options.fusion
        if len(blurred) == 1:
            return next(iter(blurred.values()))
        if fusion in raw:  # a branch alone, or the detector's own fusion
            return self._blur(raw[fusion])
        if fusion in PEAK_FUSIONS:
            return fuse(fusion, blurred["rgb"], blurred["depth"], self.statistics)
        return self._blur(fuse(fusion, raw["rgb"], raw["depth"], self.statistics))

    def _blur(self, maps: Tensor) -> Tensor:
        return gaussian_blur(maps, self.options.blur_sigma_px)

    def _image_scores(self, maps: Tensor) -> NDArray[np.float64]:
        flat = maps.flatten(1)
        if self.options.score == "max":
            scores = flat.amax(dim=1)
        else:
            count = max(1, round(self.options.top_share * flat.shape[1]))
            scores = flat.topk(count, dim=1).values.mean(dim=1)
        result: NDArray[np.float64] = scores.cpu().numpy().astype(np.float64)
        return result

    def describe(self) -> dict[str, Any]:
        """Options and statistics as JSON."""
        return {
            "options": self.options.model_dump(mode="json"),
            "statistics": {name: x.to_dict() for name, x in self.statistics.items()},
        }


def batch_slices(count: int, size: int) -> list[slice]:
    """Consecutive slices of at most `size` rows."""
    return [slice(start, start + size) for start in range(0, count, size)]
