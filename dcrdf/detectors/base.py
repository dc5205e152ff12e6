"""The contract of a detector, and how one is built from its name."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import torch
from torch import nn

from dcrdf.config.detectors import DETECTORS, DetectorOptions
from dcrdf.config.options import MapKind, StandInRule
from dcrdf.detectors.maps import Maps
from dcrdf.modalities import Modality
from dcrdf.networks.folding import fold_batch_norms
from dcrdf.networks.teacher import Teacher
from dcrdf.tensors.scans import ScanBatch, Scans
from dcrdf.training.loop import FitContext
from dcrdf.training.twins import PseudoAnomalies


class Detector(ABC):
    """Learns from good scans; says per pixel and modality how unlike them a scan is.

    `network` holds everything that is learnt, and `fit` fills it. Fusion, blur, image score and
    threshold are the same for all detectors and live in `dcrdf.scoring`.
    """

    network: nn.Module
    map_kind: MapKind = "raw"
    """Which maps `maps` gives, of those that the detector's options offer."""
    stand_ins: StandInRule = "never"
    """Where a detector that can (`DetectorOptions.stands_in`) has one modality stand in for the
    other, in its crossmodal maps."""

    def __init__(self, teacher: Teacher, options: Any) -> None:
        self.teacher = teacher
        self.options: Any = options

    @abstractmethod
    def fit(self, train: Scans, variants: PseudoAnomalies | None, context: FitContext) -> None:
        """Learn from good scans and, where the options need them, their variants; with a state in
        `context.folder`, go on where it stopped."""

    @abstractmethod
    def maps(self, batch: ScanBatch) -> Maps:
        """Raw maps of the scans, of the modalities that they have. A branch's own map never reads
        the other modality; crossmodal maps are there where `map_kind` asks for them."""

    @property
    def orientations(self) -> Sequence[int]:
        """In which orientations (`dcrdf.tensors.orientation`) it has learnt good scans."""
        return (0,)

    @property
    def silences_background(self) -> frozenset[Modality]:
        """The modalities whose own maps are silent beside the part: how loud an image is as a
        whole is then told from the part."""
        return frozenset()

    @property
    def colour_weight(self) -> nn.Module | None:
        """The module whose output is the weight (B, H, W) of colour in a map that the detector
        fuses itself: what robustness watches. None: there is none."""
        return None

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


def build_detector(name: str, teacher: Teacher, options: DetectorOptions) -> Detector:
    """The untrained detector called `name` in the configuration."""
    module, _, attribute = DETECTORS[name].module.partition(":")
    factory: DetectorFactory = getattr(import_module(module), attribute)
    return factory(teacher, options)
