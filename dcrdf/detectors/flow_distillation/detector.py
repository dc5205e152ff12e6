"""Multi-scale flow distillation as a detector: its two stages of training and its maps."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from dcrdf.config.detectors import FlowDistillationOptions
from dcrdf.detectors.base import Detector
from dcrdf.detectors.flow_distillation.held_rows import HeldRows
from dcrdf.detectors.flow_distillation.inputs import CellInputs, InputMaker
from dcrdf.detectors.flow_distillation.objectives import FlowObjective, StudentObjective
from dcrdf.detectors.flow_distillation.streams import JOINT, Streams, shown_to
from dcrdf.detectors.maps import Maps
from dcrdf.modalities import DEPTH, Modality
from dcrdf.networks.teacher import Teacher
from dcrdf.tensors.scans import ScanBatch, Scans
from dcrdf.training.loop import FitContext, TrainingStep, make_optimizer, train_in_epochs
from dcrdf.training.twins import PseudoAnomalies


class FlowDistillation(Detector):
    """A flow learns how likely good places are, and a student what the flow gives for them; where
    the student errs, nothing like it was seen."""

    network: Streams

    def __init__(self, teacher: Teacher, options: FlowDistillationOptions) -> None:
        super().__init__(teacher, options)
        stage = options.feature_stage - 1
        self.network = Streams(teacher.shape.channels[stage], options)

    def fit(self, train: Scans, variants: PseudoAnomalies | None, context: FitContext) -> None:
        """Train the flows, then their students, all streams side by side."""
        self.to(context.device)
        network, options = self.network, self.options
        network.eval()  # but what is trained, while it is
        inputs = self.held_inputs(train, context)
        network.learn_inputs(inputs.chunks(), standardise=options.feature_norm == "channel")

        likelihood = FlowObjective(network)
        stage = context.stage("flow", epochs=options.flow_epochs or context.options.epochs)
        self._train(network.teachers(), lambda rows, _: likelihood(inputs.rows(rows)), train, stage)

        targets, distance = self.held_targets(inputs), StudentObjective(network, options)
        stage = context.stage("student")
        self._train(
            network.students(),
            lambda rows, _: distance(inputs.rows(rows), targets.rows(rows)),
            train,
            stage,
        )
        network.learn_good(inputs.chunks())

    def held_inputs(self, train: Scans, context: FitContext) -> HeldRows[CellInputs]:
        """What the networks read of training scans, held where there is room for it."""
        make, device = InputMaker(self.teacher, self.options), context.device
        cache_mb = float(context.options.feature_cache_mb)
        return HeldRows(
            lambda rows: make.of_good(train[rows], device), len(train), device, cache_mb
        )

    def held_targets(self, inputs: HeldRows[CellInputs]) -> HeldRows[tuple[Tensor, ...]]:
        """The flows' z of the same rows, held where there is room left."""
        return inputs.followed_by(self.network.taught)

    def _train(
        self, module: nn.Module, step: TrainingStep, train: Scans, stage: FitContext
    ) -> None:
        """A stage with the method's own Adam."""
        own = {"learning_rate": self.options.learning_rate, "betas": self.options.betas}
        stage = replace(stage, options=stage.options.model_copy(update=own))
        decay = self.options.weight_decay
        optimizer = make_optimizer(module, stage.options, stage.device, decay)
        train_in_epochs(module, step, len(train), stage, optimizer)

    @property
    def silences_background(self) -> frozenset[Modality]:
        """The height's map, unless everything is scored."""
        return frozenset({DEPTH}) if self.network.masks else frozenset()

    @torch.no_grad()
    def maps(self, batch: ScanBatch) -> Maps:
        """The student's squared distance from the flow's z, or how unlikely the flow finds a place
        (`likelihood`), where it counts; of both modalities together also `joint`."""
        inputs = InputMaker(self.teacher, self.options)(batch)
        maps = {}
        for name, x in shown_to(inputs).items():
            values = self.network.values(name, x, inputs, self.map_kind).unsqueeze(1)
            maps[name] = functional.interpolate(
                values, size=batch.size, mode="bilinear", align_corners=False
            ).squeeze(1)
        joint = {JOINT: maps.pop(JOINT)} if JOINT in maps else {}
        return Maps(own=maps, joint=joint)
