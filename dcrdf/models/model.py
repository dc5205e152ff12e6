"""A fitted detector ready for use: preparation, scorer and thresholds in one folder."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dcrdf.config.detectors import DetectorOptions
from dcrdf.config.options import InferOptions, PrepareOptions
from dcrdf.datasets.load import clear_missing
from dcrdf.datasets.sample import Scan
from dcrdf.detectors.maps import CROSSMODAL
from dcrdf.errors import UserError
from dcrdf.modalities import BRANCHES, DEPTH, FUSED, RGB
from dcrdf.models.checkpoint import entries_named, load_detector
from dcrdf.models.verdict import Verdict
from dcrdf.preparation.image import PreparedImage, prepare_scan
from dcrdf.preparation.normalise import PreparationConstants
from dcrdf.preparation.resize import to_native
from dcrdf.scoring.calibration import Calibration
from dcrdf.scoring.gauges import gauges_of
from dcrdf.scoring.scorer import Scorer
from dcrdf.scoring.stand_ins import WITHOUT, StandInCalibrations
from dcrdf.scoring.usual_scans import UsualScans
from dcrdf.tensors.device import choose_device
from dcrdf.tensors.prepared import scans_of_images

LACKS_USUAL_SCANS = (
    "of an older version: a dead sensor and another unit can pass for a good part;"
    " run `dcrdf infer` again"
)


class Model:
    """Scores scans: `dcrdf.load(folder).predict(rgb, xyz_m)`.

    A scan on which a modality does not show the part, or shows it in another unit, is not judged,
    unless `judge_anyway`. `lacks` says what a model of an older version cannot tell.
    """

    def __init__(
        self,
        folder: Path,
        device: str = "auto",
        cpu_threads: int | None = None,
        *,
        judge_anyway: bool = False,
    ) -> None:
        if not isinstance(judge_anyway, bool):
            raise UserError(f"judge_anyway: True or False is expected, got {judge_anyway!r}")
        self.judge_anyway = judge_anyway
        detector, description = load_detector(folder)
        if "scoring" not in description:
            raise UserError(
                f"{folder}: trained but not calibrated;"
                " use the `model` folder that `dcrdf infer` wrote"
            )
        self.description = description
        with entries_named(folder):
            scoring, preparation = description["scoring"], description["preparation"]
            self.options = PrepareOptions.parse(preparation["options"], "preparation")
            self.constants = PreparationConstants.from_dict(preparation["constants"])
            options = InferOptions.parse(scoring["options"], "scoring")
            _check_offered(options, detector.options)
            branches = detector.options.branches()
            calibration = Calibration.from_dict(
                scoring["statistics"], map_names(options, detector.options)
            )
            if options.weighed and calibration.weights is None:
                raise ValueError("the weights of one_class_svm are missing")
            known = scoring.get("usual_scans")
            usual = None if known is None else UsualScans.from_dict(known)
            stand_ins = None
            if "stand_ins" in scoring:
                stand_ins = StandInCalibrations.from_dict(scoring["stand_ins"])
                branches = (*branches, *WITHOUT.values())
            self.thresholds = _checked_thresholds(description["thresholds"], (FUSED, *branches))
            self.good_validation = _checked_gauges(description.get("good_validation", {}))
        self.lacks = LACKS_USUAL_SCANS if usual is None else ""
        torch.set_num_threads(cpu_threads or options.cpu_threads)
        self.scorer = Scorer(detector, options, calibration, choose_device(device), usual)
        self.scorer.stand_ins = stand_ins
        self.scorer.replace_unusual(self.thresholds)

    def predict(self, rgb: NDArray[np.uint8] | None, xyz_m: NDArray[np.float32] | None) -> Verdict:
        """Judge one scan: colour (H, W, 3) uint8 and points (H, W, 3) in metres, camera frame.

        One of the two may be None: the other branch's map, score and threshold are then used.
        Raises `UserError` for other shapes and types, sizes that differ, points that are all
        missing, millimetres given as metres, and a score that is no number.
        """
        rgb = None if rgb is None else _checked_rgb(rgb)
        xyz_m = None if xyz_m is None else _checked_points(xyz_m)
        if rgb is not None and xyz_m is not None and rgb.shape[:2] != xyz_m.shape[:2]:
            raise UserError(f"predict: rgb is {rgb.shape[:2]} pixels, xyz_m {xyz_m.shape[:2]}")
        prepared, size = self._prepare(rgb, xyz_m)
        scans = scans_of_images([prepared], self.options)
        if rgb is None:
            scans = scans.without(RGB)
        if xyz_m is None:
            scans = scans.without(DEPTH)
        prediction = self.scorer.score(scans)
        limits = self.thresholds[self.scorer.answering(scans.absent)]
        reason = prediction.not_judged[0]
        return Verdict(
            float(prediction.scores[FUSED][0]),
            float(limits["threshold"]),
            to_native(
                prediction.maps[FUSED][0], size, self.options.resize, self.options.pad_multiple
            ),
            float(limits["map_median"]),
            {name: float(x[0]) for name, x in prediction.scores.items() if name != FUSED},
            {name: float(x[0]) for name, x in prediction.unusual.items()},
            not_judged="" if self.judge_anyway else reason,
            doubt=reason if self.judge_anyway else "",
            gauges=gauges_of(prediction, 0),
            replaced=prediction.replaced[0],
        )

    def _prepare(
        self, rgb: NDArray[np.uint8] | None, xyz_m: NDArray[np.float32] | None
    ) -> tuple[PreparedImage, tuple[int, int]]:
        given = rgb if rgb is not None else xyz_m
        if given is None:
            raise UserError("predict: give a colour image, points, or both")
        size = (given.shape[0], given.shape[1])
        if rgb is None:
            rgb = np.zeros((*size, 3), np.uint8)
        if xyz_m is None:
            xyz_m = np.zeros((*size, 3), np.float32)
        scan, keep_xyz = Scan(rgb, xyz_m, None), self.scorer.detector.options.needs_points()
        return prepare_scan(scan, self.options, self.constants, keep_xyz=keep_xyz), size


def _check_offered(scoring: InferOptions, detector: DetectorOptions) -> None:
    """Refuse (`UserError`) maps and fusions that the detector does not have."""
    offered = detector.fusions(scoring.maps) if scoring.maps in detector.maps() else frozenset()
    if scoring.fusion not in offered:
        raise UserError(
            f"scoring: maps {scoring.maps!r} with fusion {scoring.fusion!r} are not offered by this"
            " detector; run `dcrdf infer` again"
        )


def _checked_thresholds(
    values: Mapping[str, Any], names: Iterable[str] = BRANCHES
) -> Mapping[str, Mapping[str, Any]]:
    for name in names:
        numbers = (values[name]["threshold"], values[name]["map_median"])
        if not all(math.isfinite(number) for number in numbers):
            raise ValueError(f"the threshold of {name} is not a number")
        str(values[name]["note"])
    return values


def _checked_gauges(values: Mapping[str, Sequence[float]]) -> Mapping[str, tuple[float, ...]]:
    """By gauge the values of good validation scans; none in models of older versions."""
    if not all(math.isfinite(number) for numbers in values.values() for number in numbers):
        raise ValueError("a gauge of good validation scans is not a number")
    return {name: tuple(sorted(numbers)) for name, numbers in values.items()}


def _checked_rgb(rgb: Any) -> NDArray[np.uint8]:
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8 or rgb.shape[2:] != (3,):
        raise UserError(f"predict: rgb: an array (H, W, 3) of uint8 is expected, got {_kind(rgb)}")
    if min(rgb.shape) < 1:
        raise UserError("predict: rgb: the image is empty")
    return rgb


def _checked_points(xyz_m: Any) -> NDArray[np.float32]:
    is_points = isinstance(xyz_m, np.ndarray) and xyz_m.dtype.kind == "f"
    if not is_points or xyz_m.shape[2:] != (3,):
        raise UserError(
            f"predict: xyz_m: an array (H, W, 3) of floats is expected, got {_kind(xyz_m)}"
        )
    with np.errstate(over="ignore"):  # beyond float32 is infinite, hence missing
        points = np.ascontiguousarray(xyz_m, dtype=np.float32)
    return clear_missing(points, "predict: xyz_m", "multiply the values by 0.001")[0]


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return type(value).__name__


def map_names(options: InferOptions, detector: DetectorOptions) -> tuple[str, ...]:
    """The maps of which a calibration with these options has statistics."""
    has_crossmodal = detector.has_crossmodal(options.maps, options.stand_ins)
    branches = detector.branches()
    return (*branches, *(CROSSMODAL[name] for name in branches if has_crossmodal))
