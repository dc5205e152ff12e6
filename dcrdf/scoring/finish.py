"""From a detector's maps to a verdict's numbers: a pure torch module, so that what is exported and
what scores here is the same."""

from collections.abc import Collection
from typing import NamedTuple

from torch import Tensor, nn

from dcrdf.config.options import InferOptions
from dcrdf.detectors.maps import Maps
from dcrdf.modalities import FUSED, MODALITIES, Modality
from dcrdf.scoring.blur import gaussian_blur
from dcrdf.scoring.branch_statistics import image_maxima, part_or_image, top_means
from dcrdf.scoring.calibration import Calibration
from dcrdf.scoring.depth_sensor import DepthReadings
from dcrdf.scoring.fusions import Evidence, build_fusion
from dcrdf.scoring.trust import Trust


class Finished(NamedTuple):
    """Maps (B, H, W) and image scores (B,) by branch, the fused ones among them, and by how much
    each modality is unlike good scans as a whole, (B,)."""

    maps: dict[str, Tensor]
    scores: dict[str, Tensor]
    unusual: dict[str, Tensor]


class Finish(nn.Module):
    """Blur, fusion and image score of an answer, by what good scans are like."""

    def __init__(
        self,
        options: InferOptions,
        calibration: Calibration | None,
        silent_beside_part: Collection[Modality] = (),
    ) -> None:
        super().__init__()
        self.silent_beside_part = silent_beside_part
        self.options = options
        self.calibration = calibration
        known = {} if calibration is None else calibration.maps
        weights = None if calibration is None else calibration.weights
        loudness = {} if calibration is None else calibration.loudness
        self.fusion = build_fusion(options.fusion, known, weights, loudness)
        self.weights = weights

    def forward(
        self,
        raw: Maps,
        inside: Tensor,
        readings: DepthReadings | None = None,
        part: Tensor | None = None,
    ) -> Finished:
        """The detector's raw maps, where the images and, if known, their parts are (B, H, W), and
        what the depth sensor's readings say; without them it is taken to be as usual. With one
        modality the fused map is that branch's. Image scores that the detector gives itself stand
        for those of the maps."""
        blurred = raw.each(self.blur)
        unusual: dict[str, Tensor] = {}
        levels: dict[str, Tensor] = {}
        trust = Trust(unusual, None)
        if self.calibration is not None:
            levels_at: dict[Modality, Tensor] = {}
            if part is not None:
                levels_at = dict.fromkeys(self.silent_beside_part, part_or_image(part, inside))
            levels = self.calibration.levels(blurred.by_branch(), inside, levels_at)
            unusual = self.calibration.unusual(levels, readings)
            trust = self.calibration.trust(unusual, readings)
        fused = self._fused(Evidence(raw, blurred, self.blur, trust, levels))
        maps = {FUSED: fused, **blurred.own}
        scores = {name: self._image_scores(x, inside) for name, x in maps.items()}
        if self.options.score == "one_class_svm":
            scores |= self._weighed_score(raw.asked(), inside)
        scores = {**scores, **raw.scores}
        return Finished(maps, scores, unusual)

    def _fused(self, evidence: Evidence) -> Tensor:
        alone = list(evidence.blurred.own.values())
        return alone[0] if len(alone) == 1 else self.fusion(evidence)

    def blur(self, maps: Tensor) -> Tensor:
        """Maps (B, H, W) blurred as the options say."""
        return gaussian_blur(maps, self.options.blur_sigma_px)

    def _image_scores(self, maps: Tensor, inside: Tensor) -> Tensor:
        if self.options.score == "top_share":
            return top_means(maps, inside, self.options.top_share)
        return image_maxima(maps, inside)

    def _weighed_score(self, raw: dict[str, Tensor], inside: Tensor) -> dict[str, Tensor]:
        """The image score of both maps' maxima, where both are there."""
        if len(raw) < len(MODALITIES) or self.weights is None:
            return {}
        rgb, depth = (image_maxima(raw[name], inside) for name in MODALITIES)
        return {FUSED: self.weights.image_rgb * rgb + self.weights.image_depth * depth}
