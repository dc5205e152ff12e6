"""The predictions of a run: scores, labels and threshold at once, maps when asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from dcrdf.errors import UserError
from dcrdf.metrics.threshold import false_alarm_threshold
from dcrdf.modalities import FUSED
from dcrdf.report.context import RunFiles
from dcrdf.results.checked import first_problem
from dcrdf.results.maps import MapsFile, open_maps


class Threshold(BaseModel):
    """Where good ends, how that was chosen on validation images, and how sure that is.

    Rates are shares of good images: asked for, expected, and not exceeded with `confidence`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    threshold: float
    requested_rate: float
    expected_rate: float
    upper_rate: float
    confidence: float
    validation_images: int
    note: str = ""


@dataclass(frozen=True)
class RunResult:
    """The predictions of one run on one category's test split, N images."""

    files: RunFiles
    name: list[str]
    defect: list[str]
    is_defect: NDArray[np.bool_]
    scores: dict[str, NDArray[np.float64]]
    """Image scores (N,) by branch."""
    threshold: Threshold
    size: int
    """Side of the maps in pixels."""
    not_judged: list[str]
    """Why an image (N,) is not judged; empty for those that are."""
    validation: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """Scores of good validation images by branch: thresholds are made of them."""

    @property
    def is_judged(self) -> NDArray[np.bool_]:
        """Which images (N,) are judged."""
        return np.array([not reason for reason in self.not_judged])

    @property
    def is_above(self) -> NDArray[np.bool_]:
        """Which images (N,) have a fused score above the threshold."""
        return np.asarray(self.scores["fused"] > self.threshold.threshold)

    @property
    def alarms(self) -> NDArray[np.bool_]:
        """Which images (N,) are called defective: judged, and above the threshold."""
        return self.is_above & self.is_judged

    @property
    def kinds(self) -> list[str]:
        """The kinds of defect in the test split, sorted."""
        return sorted({kind for kind, bad in zip(self.defect, self.is_defect, strict=True) if bad})

    def limit(self, branch: str) -> float:
        """The threshold of a branch's scores, chosen as the fused one was."""
        if branch == FUSED:
            return self.threshold.threshold
        rate = self.threshold.requested_rate
        return false_alarm_threshold(self.validation[branch], rate).threshold

    def maps(self, branch: str) -> NDArray[np.float16]:
        """The anomaly maps (N, S, S) of a branch."""
        with open_maps(self.files.maps) as file:
            return file.maps(branch)


def read_run(files: RunFiles) -> RunResult:
    """Read one `maps.h5` but its maps; raise `UserError` naming the file when it is not sound."""
    with open_maps(files.maps) as file:
        result = RunResult(
            files,
            file.names,
            file.defects,
            file.is_defect,
            {branch: file.scores(branch) for branch in file.branches},
            _threshold(file, files),
            file.size,
            file.not_judged,
            {branch: file.validation_scores(branch) for branch in file.branches},
        )
    _check(result)
    return result


def _threshold(file: MapsFile, files: RunFiles) -> Threshold:
    try:
        return Threshold.model_validate(file.threshold)
    except ValidationError as error:
        raise _unsound(files, first_problem(error, "threshold")) from None


def _check(result: RunResult) -> None:
    count = len(result.name)
    if "fused" not in result.scores:
        raise _unsound(result.files, "no fused maps")
    lengths = {len(result.defect), len(result.is_defect), *map(len, result.scores.values())}
    if count == 0 or lengths != {count}:
        raise _unsound(result.files, "names, labels and scores differ in number or are absent")
    if not all(np.isfinite(scores).all() for scores in result.scores.values()):
        raise _unsound(result.files, "a score is not finite")


def _unsound(files: RunFiles, reason: str) -> UserError:
    return UserError(f"{files.maps}: damaged ({reason}); run `dcrdf infer` again")
