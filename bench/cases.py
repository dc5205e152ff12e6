"""The detectors that `bench.training` measures, a preset each, and what a step of each is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from dcrdf.config.detectors import (
    DETECTORS,
    CrdOptions,
    DcrdfNetOptions,
    DetectorOptions,
    FlowDistillationOptions,
)
from dcrdf.config.options import TrainOptions
from dcrdf.detectors.base import Detector, build_detector
from dcrdf.detectors.crd.detector import Crd
from dcrdf.detectors.crd.objective import Objective as CrdObjective
from dcrdf.detectors.dcrdf_net.detector import DcrdfNet
from dcrdf.detectors.dcrdf_net.objective import Objective
from dcrdf.detectors.flow_distillation.detector import FlowDistillation
from dcrdf.detectors.flow_distillation.objectives import FlowObjective, StudentObjective
from dcrdf.networks.teacher import Teacher
from dcrdf.tensors.scans import Scans
from dcrdf.training.batches import CleanBatches
from dcrdf.training.loop import FitContext, Losses
from dcrdf.training.twins import PseudoAnomalies, TwinBatches

Rows = np.ndarray[Any, np.dtype[np.intp]]
Step = tuple[Callable[[Rows, int], Any], Callable[[Any], Losses]]
"""What fetches the data of rows in an epoch, and what makes losses of them."""


@dataclass(frozen=True)
class Case:
    """A preset of a detector."""

    detector: str
    preset: str

    def section(self, name: str) -> Mapping[str, Any]:
        """What the preset says of a section."""
        return DETECTORS[self.detector].presets[self.preset].get(name, {})

    @property
    def options(self) -> DetectorOptions:
        """The detector's own options."""
        return DETECTORS[self.detector].options.parse(dict(self.section("options")), self.preset)

    @property
    def epochs(self) -> int:
        """How many a training has."""
        return TrainOptions.parse(dict(self.section("train")), self.preset).epochs

    def build(self, teacher: Teacher) -> Detector:
        """An untrained one, which scores as if parts came in any orientation where its maps are
        learnt in several: so it takes longest. Its weights do not depend on what was built before.
        """
        torch.manual_seed(0)
        detector = build_detector(self.detector, teacher, self.options)
        if self.options.augments() and isinstance(detector.network.is_learnt, torch.Tensor):
            detector.network.is_learnt.fill_(True)
        return detector


TRAINED = {
    "flow": Case("flow_distillation", "small"),
    "dual_rd": Case("dcrdf_net", "dual_rd"),
    "crd": Case("crd", "paper"),
    "paper": Case("dcrdf_net", "paper"),
}
"""In the order of their memory, of which a CPU tells the highest so far alone."""
SCORED = {**TRAINED, "best": Case("dcrdf_net", "best")}
"""`best` trains as `dual_rd` does."""


def step_of(
    detector: Detector, samples: Scans, variants: PseudoAnomalies, context: FitContext
) -> Step:
    """A step of the detector's training on the samples and, where it needs them, their variants."""
    if isinstance(detector, Crd):
        assert isinstance(detector.options, CrdOptions)
        clean = CleanBatches(detector.teacher, samples, context)
        return clean, CrdObjective(detector.network, detector.options)
    if isinstance(detector, FlowDistillation):
        return step_of_both_stages(detector, samples, context)
    assert isinstance(detector, DcrdfNet)
    assert isinstance(detector.options, DcrdfNetOptions)
    objective = Objective(detector.network, detector.options, samples.size)
    if not detector.options.pseudo_anomalies:
        clean = CleanBatches(detector.teacher, samples, context)
        return clean, lambda data: objective(data, None, None)
    twins = TwinBatches(detector.teacher, samples, variants, context)
    return twins, lambda data: objective(*data)


def step_of_both_stages(detector: FlowDistillation, samples: Scans, context: FitContext) -> Step:
    """A step of the flows and one of their students, which share nothing."""
    assert isinstance(detector.options, FlowDistillationOptions)
    flows = FlowObjective(detector.network)
    students = StudentObjective(detector.network, detector.options)
    inputs = detector.held_inputs(samples, context)
    targets = detector.held_targets(inputs)

    def fetched(rows: Rows, _epoch: int) -> Any:
        return inputs.rows(rows), targets.rows(rows)

    return fetched, lambda data: {**flows(data[0]), **students(*data)}
