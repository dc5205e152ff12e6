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
from dcrdf.detectors.base import BRANCHES, CROSSMODAL, Detector, NormalSamples, map_names
from dcrdf.errors import UserError
from dcrdf.scoring.blur import gaussian_blur
from dcrdf.scoring.branch_statistics import image_maxima, top_means
from dcrdf.scoring.calibration import Calibration, GoodFigures
from dcrdf.scoring.depth_sensor import DepthReadings
from dcrdf.scoring.fixed_fusion import fuse
from dcrdf.scoring.peak_fusion import PEAK_FUSIONS, fuse_by_peaks
from dcrdf.tensors.images import depth_tensor, rgb_tensor
from dcrdf.tensors.orientation import some_of, turned, turned_back


@dataclass(frozen=True)
class Prediction:
    """Maps (B, H, W) float32 and image scores (B,) float64 by branch, `fused` among them.

    `unusual` (B,) of the branches: by how much the modality is unlike good validation images as a
    whole, 1 or more; far above one, light or sensor have changed, or all of the part.
    """

    maps: Mapping[str, NDArray[np.float32]]
    scores: Mapping[str, NDArray[np.float64]]
    unusual: Mapping[str, NDArray[np.float64]]


class Scorer:
    """A fitted detector with its fusion: images in, predictions out."""

    def __init__(
        self,
        detector: Detector,
        options: InferOptions,
        calibration: Calibration | None,
        device: torch.device,
    ) -> None:
        self.detector = detector.for_inference().to(device)
        self.options = options
        self.calibration = calibration
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
        """A scorer whose fusion statistics come from the validation split, and predictions of that
        split one by one, each by the statistics of the others: a threshold from scores that know
        themselves would promise new good images fewer false alarms than they get. The network sees
        every image once."""
        bare = cls(detector, options, None, device)
        slices = batch_slices(len(validation), options.batch_size)
        batches = [bare.raw_maps(validation.rgb[rows], validation.depth[rows]) for rows in slices]
        joined = {name: torch.cat([raw[name] for raw in batches]) for name in batches[0]}
        figures = GoodFigures.of(joined, validation, options.blur_sigma_px)
        scorer = cls(bare.detector, options, figures.calibration(), device)
        return scorer, [
            scorer.finish(
                {name: x[row : row + 1] for name, x in joined.items()},
                validation.inside[row : row + 1],
                figures.readings.rows(slice(row, row + 1)),
                figures.without(row),
            )
            for row in range(len(validation))
        ]

    @torch.no_grad()
    def raw_maps(
        self, rgb: NDArray[np.uint8] | None, depth: NDArray[np.floating] | None
    ) -> dict[str, Tensor]:
        """The detector's own maps, before fusion and blur; `UserError` unless they are finite.

        Where the options ask for several orientations and the detector has learnt good images in
        several: the mean of their maps. What it sees in one of them by chance counts less.
        """
        colour = None if rgb is None else rgb_tensor(rgb, self.device)
        height = None if depth is None else depth_tensor(depth, self.device)
        orientations = some_of(self.detector.orientations, self.options.orientations)
        sums: dict[str, Tensor] = {}
        for orientation in orientations:
            for name, maps in self._maps_in(orientation, colour, height).items():
                sums[name] = sums[name] + maps if name in sums else maps
        return _finite({name: maps / len(orientations) for name, maps in sums.items()})

    def _maps_in(
        self, orientation: int, rgb: Tensor | None, depth: Tensor | None
    ) -> dict[str, Tensor]:
        """Maps of images that are shown in an orientation, turned back."""
        shown = [None if x is None else turned(x, orientation) for x in (rgb, depth)]
        half = self.options.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            raw = self.detector.branch_maps(*shown)
        return {name: turned_back(maps.float(), orientation) for name, maps in raw.items()}

    def score(
        self,
        rgb: NDArray[np.uint8] | None,
        depth: NDArray[np.floating] | None,
        valid: NDArray[np.bool_] | None = None,
        inside: NDArray[np.bool_] | None = None,
    ) -> Prediction:
        """Score colour images (B, H, W, 3) and normalised heights (B, H, W).

        `valid` (B, H, W) says where height was measured; None: the depth sensor is taken to be as
        usual. `inside` (B, H, W) says where the image is; None: everywhere. Without one modality
        the fused map is the other branch's.
        """
        raw = self.raw_maps(rgb, depth)
        if inside is None:
            inside = np.ones(tuple(next(iter(raw.values())).shape), np.bool_)
        readings = None
        if depth is not None and valid is not None:
            readings = DepthReadings.of(depth, valid, inside)
        return self.finish(raw, inside, readings)

    @torch.no_grad()
    def finish(
        self,
        raw: Mapping[str, Tensor],
        inside: NDArray[np.bool_],
        readings: DepthReadings | None = None,
        calibration: Calibration | None = None,
    ) -> Prediction:
        """Raw maps -> fused, blurred maps and image scores; `UserError` where they are none.

        Scores and levels are of the pixels `inside` (B, H, W). Another `calibration` than the
        scorer's own may be given.
        """
        names = map_names(self.options.maps)
        blurred = {name: self._blur(raw[name]) for name in names if name in raw}
        where = torch.from_numpy(np.ascontiguousarray(inside)).to(self.device)
        calibration = calibration or self.calibration
        unusual = {} if calibration is None else calibration.unusual(blurred, where, readings)
        branches = {name: blurred[name] for name in BRANCHES if name in blurred}
        fused = self._fused(raw, blurred, calibration, unusual, readings)
        maps = _finite({"fused": fused, **branches})
        return Prediction(
            {name: x.cpu().numpy() for name, x in maps.items()},
            {name: self._image_scores(x, where) for name, x in maps.items()},
            {name: x.double().cpu().numpy() for name, x in unusual.items()},
        )

    def _fused(
        self,
        raw: Mapping[str, Tensor],
        blurred: Mapping[str, Tensor],
        calibration: Calibration | None,
        unusual: Mapping[str, Tensor],
        readings: DepthReadings | None,
    ) -> Tensor:
        fusion = self.options.fusion
        if len(blurred) == 1:
            return next(iter(blurred.values()))
        if fusion in raw:  # a branch alone, or the detector's own fusion
            return self._blur(raw[fusion])
        if fusion in PEAK_FUSIONS:
            assert calibration is not None
            trusts = fusion == "peak_trust"
            trust = calibration.trust(unusual, readings) if trusts else None
            return fuse_by_peaks(blurred, calibration.maps, trust)
        seen = {name: CROSSMODAL[name] if CROSSMODAL[name] in raw else name for name in BRANCHES}
        known = {} if calibration is None else calibration.maps
        usual = {name: known[of_map] for name, of_map in seen.items() if of_map in known}
        return self._blur(fuse(fusion, raw[seen["rgb"]], raw[seen["depth"]], usual))

    def _blur(self, maps: Tensor) -> Tensor:
        return gaussian_blur(maps, self.options.blur_sigma_px)

    def _image_scores(self, maps: Tensor, inside: Tensor) -> NDArray[np.float64]:
        if self.options.score == "max":
            scores = image_maxima(maps, inside)
        else:
            scores = top_means(maps, inside, self.options.top_share)
        result: NDArray[np.float64] = scores.cpu().numpy().astype(np.float64)
        return result

    def describe(self) -> dict[str, Any]:
        """Options and statistics as JSON."""
        return {
            "options": self.options.model_dump(mode="json"),
            "statistics": {} if self.calibration is None else self.calibration.to_dict(),
        }


def _finite(maps: dict[str, Tensor]) -> dict[str, Tensor]:
    """NaN is below every threshold: it would pass for a good part."""
    for name, values in maps.items():
        if not bool(torch.isfinite(values).all()):
            raise UserError(
                f"the {name} map holds NaN or infinity: the model's weights or the heights are"
                " damaged"
            )
    return maps


def batch_slices(count: int, size: int) -> list[slice]:
    """Consecutive slices of at most `size` rows."""
    return [slice(start, start + size) for start in range(0, count, size)]
