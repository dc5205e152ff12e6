"""A test split made worse, prepared as ever and scored through the one scoring path."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dcrdf.config.options import Degradation
from dcrdf.datasets.load import load_scan
from dcrdf.datasets.sample import Sample
from dcrdf.errors import UserError
from dcrdf.files.digests import seed_of
from dcrdf.judging.prediction import Prediction
from dcrdf.modalities import FUSED
from dcrdf.models.model import Model
from dcrdf.preparation.cloud import placement_of
from dcrdf.preparation.image import PreparedImage, prepare_scan
from dcrdf.preparation.measure import part_of_scan, resized_truth
from dcrdf.preparation.measured import TrainingPlane
from dcrdf.preparation.resize import resize_nearest
from dcrdf.robustness.degrade import ABSENT, degrade, kind_of
from dcrdf.scoring.fusions.own import OwnFusion
from dcrdf.scoring.scorer import batch_slices
from dcrdf.scoring.split import gather
from dcrdf.tensors.orientation import turned_back
from dcrdf.tensors.prepared import scans_of_images

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class TestScan:
    """What is known of a test scan before it is made worse; masks (h, w) at the network's size.

    `inside` is where they lie in the prepared square.
    """

    sample: Sample
    inside: tuple[slice, slice]
    gt: Mask
    part: Mask


@dataclass(frozen=True)
class DegradedScores:
    """Scores (N,) and maps of one degradation by branch; a branch that is absent has none.

    Maps and masks are (h, w) at the network's size, without the bars of a letterbox.
    """

    scores: dict[str, NDArray[np.float64]]
    thresholds: Mapping[str, float]
    """By branch, of the training; without a modality the fused score is judged as the other's."""
    maps: dict[str, list[NDArray[np.float16]]]
    masks: list[Mask]
    labels: Mask
    mask_known: Mask
    gate_weight: float | None
    """Mean weight of the colour map on the part, where a learned gate fuses."""


def score_degraded(
    model: Model, samples: Sequence[Sample], degradation: Degradation | None, seed: int
) -> DegradedScores:
    """Score `samples`, made worse by `degradation` (None: as they are).

    An unusable scan raises `UserError`, or is left out as preparation did with `strict: false`.
    """
    scans: list[TestScan] = []
    predictions: list[Prediction] = []
    weights: list[float] = []
    for rows in batch_slices(len(samples), model.scorer.options.batch_size):
        batch = list(_prepared(model, samples[rows], degradation, seed))
        if not batch:
            continue
        with watched(_asked_gate(model)) as gate:
            predictions.append(_score(model, [image for image, _ in batch], degradation))
        scans += [scan for _, scan in batch]
        weights += _weights_on_part(gate, model.scorer.shown, scans[-len(batch) :])
    if not scans:
        raise UserError("robustness: no test scan can be used")
    scored = gather(predictions)
    return DegradedScores(
        scored.scores,
        _thresholds(model, scored.scores, degradation),
        {
            name: [one[scan.inside] for one, scan in zip(maps, scans, strict=True)]
            for name, maps in scored.maps.items()
        },
        [scan.gt for scan in scans],
        np.array([not scan.sample.is_good for scan in scans]),
        np.array([scan.sample.is_good or scan.sample.gt is not None for scan in scans]),
        float(np.mean(weights)) if weights else None,
    )


def _prepared(
    model: Model, samples: Sequence[Sample], degradation: Degradation | None, seed: int
) -> Iterator[tuple[PreparedImage, TestScan]]:
    constants, options = model.constants, model.options
    training = TrainingPlane.of(constants)
    for sample in samples:
        try:
            scan = load_scan(sample, options.reads_normals)
        except UserError:
            if options.strict:
                raise
            continue
        part = part_of_scan(scan, options, training)
        placement = placement_of(scan, options)
        known = TestScan(
            sample,
            placement.inside,
            resized_truth(scan, placement, options),
            resize_nearest(part, placement),
        )
        if degradation is not None:
            generator = np.random.default_rng(
                seed_of("degrade", seed, kind_of(degradation), sample.identity)
            )
            span_m = constants.high_m - constants.low_m
            scan = degrade(scan, degradation, part, span_m, generator)
        keep_xyz = model.scorer.detector.options.needs_points()
        yield prepare_scan(scan, options, constants, keep_xyz=keep_xyz), known


def _score(
    model: Model, images: Sequence[PreparedImage], degradation: Degradation | None
) -> Prediction:
    scans, absent = scans_of_images(images, model.options), ABSENT.get(degradation or "")
    return model.scorer.score(scans if absent is None else scans.without(absent))


def _thresholds(
    model: Model, branches: Iterable[str], degradation: Degradation | None
) -> dict[str, float]:
    used = {FUSED: model.scorer.answering(ABSENT.get(degradation or ""))}
    return {
        name: float(model.fitted_thresholds[used.get(name, name)]["threshold"]) for name in branches
    }


def _asked_gate(model: Model) -> nn.Module | None:
    """The detector's gate, where the fused map is the one that it weighs."""
    fuses_itself = isinstance(model.scorer.finishing.fusion, OwnFusion)
    return model.scorer.detector.colour_weight if fuses_itself else None


@contextmanager
def watched(module: nn.Module | None) -> Iterator[list[Tensor]]:
    """Collect what a module gives while the context is open, if there is one."""
    seen: list[Tensor] = []
    if module is None:
        yield seen
        return
    handle = module.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    try:
        yield seen
    finally:
        handle.remove()


def _weights_on_part(
    gate: Sequence[Tensor], shown: Sequence[int], scans: Sequence[TestScan]
) -> list[float]:
    """The mean weight on each scan's part, over the orientations that the scans were shown in;
    nothing where no gate was asked."""
    if not gate:
        return []
    upright = [turned_back(x.float(), number) for x, number in zip(gate, shown, strict=True)]
    weights = torch.stack(upright).mean(dim=0).cpu().numpy()
    return [
        float(weight[scan.inside][scan.part].mean())
        for weight, scan in zip(weights, scans, strict=True)
        if scan.part.any()
    ]
