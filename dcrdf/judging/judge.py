"""Whatever judges one scan at a time: a trained model, or an exported one."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.load import clear_missing
from dcrdf.datasets.sample import Scan
from dcrdf.errors import UserError
from dcrdf.judging.gauges import gauges_of
from dcrdf.judging.prediction import Prediction
from dcrdf.judging.thresholds import (
    Thresholds,
    checked_thresholds,
    is_set_by_hand,
    thresholds_in_use,
)
from dcrdf.judging.verdict import FITTED, SET_BY_HAND, Verdict
from dcrdf.modalities import DEPTH, FUSED, RGB, Modality
from dcrdf.preparation.image import PreparedImage, prepare_scan
from dcrdf.preparation.normalise import PreparationConstants
from dcrdf.preparation.resize import to_native

LACKS_USUAL_SCANS = (
    "of an older version: a dead sensor and another unit can pass for a good part;"
    " run `dcrdf infer` again"
)


class Judge(ABC):
    """Judges scans: `dcrdf.load(folder).predict(rgb, xyz_m)`.

    A scan on which a modality does not show the part, or shows it in another unit, is not judged,
    unless `judge_anyway`. `lacks` says what a model of an older version cannot tell. `thresholds`
    are those in use, `fitted_thresholds` what they were before anybody set one by hand.
    """

    description: dict[str, Any]
    options: PrepareOptions
    constants: PreparationConstants
    thresholds: Thresholds
    fitted_thresholds: Thresholds
    good_validation: Mapping[str, tuple[float, ...]]
    lacks: str = ""

    def __init__(self, *, judge_anyway: bool) -> None:
        if not isinstance(judge_anyway, bool):
            raise UserError(f"judge_anyway: True or False is expected, got {judge_anyway!r}")
        self.judge_anyway = judge_anyway

    @abstractmethod
    def answering(self, absent: Modality | None) -> str:
        """Whose threshold the fused score is judged by, where a modality may be absent."""

    @abstractmethod
    def score(self, image: PreparedImage, absent: Modality | None) -> Prediction:
        """Maps and scores of one prepared scan."""

    @property
    def keeps_points(self) -> bool:
        """Whether the prepared scan must have its points."""
        return False

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
        absent = RGB if rgb is None else DEPTH if xyz_m is None else None
        prediction = self.score(prepared, absent)
        limits = self.thresholds[self.answering(absent)]
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
            threshold_from=SET_BY_HAND if is_set_by_hand(limits) else FITTED,
        )

    def _describe(self, description: dict[str, Any], names: Sequence[str]) -> None:
        """Take preparation, thresholds and gauges from a description; KeyError, TypeError or
        ValueError for what is missing or unfit."""
        self.description = description
        preparation = description["preparation"]
        self.options = PrepareOptions.parse(preparation["options"], "preparation")
        self.constants = PreparationConstants.from_dict(preparation["constants"])
        self.fitted_thresholds = checked_thresholds(description["thresholds"], names)
        self.good_validation = _checked_gauges(description.get("good_validation", {}))

    def _use_set_thresholds(self, folder: Path) -> None:
        """Have thresholds decide that were set by hand in the folder; UserError for damaged ones
        and for those of another calibration."""
        self.thresholds = thresholds_in_use(folder, self.fitted_thresholds)

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
        scan = Scan(rgb, xyz_m, None)
        return prepare_scan(scan, self.options, self.constants, keep_xyz=self.keeps_points), size


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
