"""The one scoring path: branch maps -> fused map -> image scores.

`infer`, `predict` and the Python API all go through `Scorer`, so a score never depends on which of
them asked for it.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from dcrdf.config.options import InferOptions
from dcrdf.detectors.base import BRANCHES, Detector, NormalSamples
from dcrdf.errors import UserError
from dcrdf.training.images import depth_tensor, rgb_tensor


@dataclass(frozen=True)
class BranchStatistics:
    """Mean and deviation of a branch's unblurred validation maps, everywhere and on the part, and
    the mean of the blurred maps' maxima."""

    mean: float
    std: float
    foreground_mean: float
    foreground_std: float
    peak_mean: float

    def to_dict(self) -> dict[str, float]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> Self:
        """The inverse of `to_dict`; UserError, TypeError or ValueError for other values."""
        names = [field.name for field in fields(cls)]
        if set(values) != set(names):
            raise UserError("calibrated by another version of dcrdf; run `dcrdf infer` again")
        numbers = {name: float(values[name]) for name in names}
        if not all(math.isfinite(number) for number in numbers.values()):
            raise ValueError("statistics are not finite")
        return cls(**numbers)

    @classmethod
    def of_maps(
        cls, maps: NDArray[np.float32], foreground: NDArray[np.bool_], blur_sigma_px: float
    ) -> Self:
        """Statistics of maps (N, H, W) over all pixels and over the foreground."""
        values = maps.astype(np.float64)
        inside = values[foreground] if foreground.any() else values.ravel()
        peaks = gaussian_blur(torch.from_numpy(maps), blur_sigma_px).flatten(1).amax(dim=1)
        tiny = np.finfo(np.float32).tiny
        return cls(
            float(values.mean()),
            float(max(values.std(), tiny)),
            float(inside.mean()),
            float(max(inside.std(), tiny)),
            float(peaks.double().mean()),
        )


@dataclass(frozen=True)
class Prediction:
    """Maps (B, H, W) float32 and image scores (B,) float64 by branch, `fused` among them."""

    maps: Mapping[str, NDArray[np.float32]]
    scores: Mapping[str, NDArray[np.float64]]


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
        branches = {name: raw[name] for name in BRANCHES if name in raw}
        blurred = {name: self._blur(x) for name, x in branches.items()}
        if len(branches) == 1:
            fused = next(iter(blurred.values()))
        elif self.options.fusion == "peak_norm":
            fused = self._peak_norm(blurred)
        else:
            fused = self._blur(self._fuse(raw, branches))
        maps = {"fused": fused, **blurred}
        return Prediction(
            {name: x.cpu().numpy() for name, x in maps.items()},
            {name: self._image_scores(x) for name, x in maps.items()},
        )

    def _blur(self, maps: Tensor) -> Tensor:
        return gaussian_blur(maps, self.options.blur_sigma_px)

    def _peak_norm(self, blurred: Mapping[str, Tensor]) -> Tensor:
        """Excess over the part's mean in units of the usual maxima of good images; a branch that is
        restless on good parts weighs less, and a defect in one modality is not diluted."""
        excess = []
        for name in BRANCHES:
            usual = self.statistics[name]
            unit = max(usual.peak_mean - usual.foreground_mean, float(np.finfo(np.float32).tiny))
            excess.append((blurred[name] - usual.foreground_mean).clamp_min(0.0) / unit)
        return torch.stack(excess).norm(dim=0)

    def _fuse(self, raw: Mapping[str, Tensor], branches: Mapping[str, Tensor]) -> Tensor:
        fusion = self.options.fusion
        if fusion in raw:  # a branch alone, or the detector's own fusion
            return raw[fusion]
        rgb, depth = branches["rgb"], branches["depth"]
        if fusion == "avg":
            return 0.5 * (rgb + depth)
        if fusion == "max":
            return torch.maximum(rgb, depth)
        rgb, depth = self._standardise("rgb", rgb), self._standardise("depth", depth)
        return rgb + depth if fusion == "zscore_sum" else torch.maximum(rgb, depth)

    def _standardise(self, branch: str, maps: Tensor) -> Tensor:
        statistics = self.statistics[branch]
        if self.options.fusion == "zscore_max":
            return (maps - statistics.foreground_mean) / statistics.foreground_std
        return (maps - statistics.mean) / statistics.std

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


def gaussian_blur(maps: Tensor, sigma_px: float) -> Tensor:
    """Gaussian filter of maps (B, H, W), cut at four deviations, mirrored at the border."""
    if sigma_px == 0.0:
        return maps
    radius = min(round(4.0 * sigma_px), min(maps.shape[1:]) - 1)
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32, device=maps.device)
    kernel = torch.exp(-0.5 * (offsets / sigma_px) ** 2)
    kernel = kernel / kernel.sum()
    padded = functional.pad(maps.float().unsqueeze(1), [radius] * 4, mode="reflect")
    rows = functional.conv2d(padded, kernel.view(1, 1, 1, -1))
    return functional.conv2d(rows, kernel.view(1, 1, -1, 1)).squeeze(1)
