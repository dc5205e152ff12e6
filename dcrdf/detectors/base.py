"""The contract of a detector, and how one is built from its name."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dcrdf.config.closed import Closed
from dcrdf.config.detectors import DETECTORS
from dcrdf.config.options import MapKind
from dcrdf.networks.folding import fold_batch_norms
from dcrdf.networks.teacher import Teacher
from dcrdf.training.loop import FitContext

BRANCHES = ("rgb", "depth")
OTHER_BRANCH = {"rgb": "depth", "depth": "rgb"}
CROSSMODAL = {"rgb": "rgb_crossmodal", "depth": "depth_crossmodal"}
"""What a branch's map is called when the other modality had a say in it."""


def map_names(maps: MapKind) -> tuple[str, ...]:
    """The maps that are calibrated where the options ask for such maps."""
    return (*BRANCHES, *CROSSMODAL.values()) if maps == "crossmodal" else BRANCHES


@dataclass(frozen=True)
class NormalSamples:
    """Prepared good samples: colour (N, H, W, 3) uint8, height (N, H, W), and (N, H, W) each, the
    foreground, where height was measured, and where the image is (not a letterbox's bars)."""

    rgb: NDArray[np.uint8]
    depth: NDArray[np.floating]
    foreground: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    inside: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.rgb)


@dataclass(frozen=True)
class PseudoAnomalies:
    """V variants of every training sample: arrays (N, V, ...) of colour and height, (N, V, H, W)
    where a variant was changed, and (N, V) each, whether its colour and its height were."""

    rgb: NDArray[np.uint8]
    depth: NDArray[np.floating]
    mask: NDArray[np.bool_]
    changes_rgb: NDArray[np.bool_]
    changes_depth: NDArray[np.bool_]


class Detector(ABC):
    """Learns from normal samples; says per pixel and modality how unlike them an image is.

    `network` holds everything that is learnt, and `fit` fills it. Fusion, blur, image score and
    threshold are the same for all detectors and live in `dcrdf.scoring.scorer`.
    """

    network: nn.Module
    maps: MapKind = "raw"
    """Which maps `branch_maps` gives, of those that the registry says the detector offers."""

    def __init__(self, teacher: Teacher, options: Any) -> None:
        self.teacher = teacher
        self.options = options

    @abstractmethod
    def fit(
        self, train: NormalSamples, variants: PseudoAnomalies | None, context: FitContext
    ) -> None:
        """Learn; with a state in `context.folder`, go on where it stopped."""

    @abstractmethod
    def branch_maps(self, rgb: Tensor | None, depth: Tensor | None) -> dict[str, Tensor]:
        """Raw anomaly maps (B, H, W) of the branches `rgb` and `depth` (those that are given), each
        as if the other were absent. Where both are there also `cm_segf` if the detector fuses by
        itself, and those named in `CROSSMODAL` if `maps` asks for them.

        `rgb` is (B, 3, H, W) in [0, 1], `depth` the replicated normalised height.
        """

    @property
    def orientations(self) -> Sequence[int]:
        """In which orientations (`dcrdf.tensors.orientation`) it has learnt good images."""
        return (0,)

    def to(self, device: torch.device) -> "Detector":
        """Move teacher and network."""
        self.teacher.to(device)
        self.network.to(device)
        return self

    def for_inference(self) -> "Detector":
        """A copy that can only score, faster: batch norms folded, channels last in memory."""
        scoring = copy.deepcopy(self)
        for part in (scoring.teacher, scoring.network):
            part.eval()
            fold_batch_norms(part)
            part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return scoring


DetectorFactory = Callable[[Teacher, Any], Detector]


def build_detector(name: str, teacher: Teacher, options: Closed) -> Detector:
    """The untrained detector called `name` in the configuration."""
    module, _, attribute = DETECTORS[name].module.partition(":")
    factory: DetectorFactory = getattr(import_module(module), attribute)
    return factory(teacher, options)
