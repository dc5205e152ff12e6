"""Reading `maps.h5`: scores, labels and threshold at once, maps when they are asked for."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from dcrdf.errors import UserError
from dcrdf.report.context import RunFiles
from dcrdf.results.names import BRANCH_TITLES


class Threshold(BaseModel):
    """Where good ends, how that was chosen on validation images, and how sure that is."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    threshold: float
    false_alarm_rate: float
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

    @property
    def alarms(self) -> NDArray[np.bool_]:
        """Which images (N,) are called defective: a fused score above the threshold."""
        return self.scores["fused"] > self.threshold.threshold

    @property
    def kinds(self) -> list[str]:
        """The kinds of defect in the test split, sorted."""
        return sorted({kind for kind, bad in zip(self.defect, self.is_defect, strict=True) if bad})

    def maps(self, branch: str) -> NDArray[np.float16]:
        """The anomaly maps (N, S, S) of a branch."""
        with h5py.File(self.files.maps) as file:
            maps: NDArray[np.float16] = file[f"test/{branch}"][:]
        return maps


def read_run(files: RunFiles) -> RunResult:
    """Read one `maps.h5` but its maps; raise `UserError` naming the file when it is not sound."""
    path = files.maps
    try:
        with h5py.File(path) as file:
            result = _read_open(files, file)
    except ValidationError as error:
        raise _unsound(path, f"threshold: {error.errors()[0]['msg']}") from None
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise _unsound(path, str(error)) from None
    _check(result)
    return result


def _read_open(files: RunFiles, file: h5py.File) -> RunResult:
    test = file["test"]
    return RunResult(
        files,
        name=[str(name) for name in test["name"].asstr()[:]],
        defect=[str(kind) for kind in test["defect"].asstr()[:]],
        is_defect=test["label"][:] > 0,
        scores={
            branch: np.asarray(test[f"score_{branch}"][:], dtype=np.float64)
            for branch in BRANCH_TITLES
            if f"score_{branch}" in test
        },
        threshold=Threshold.model_validate(_attribute(file, "threshold")),
    )


def _attribute(file: h5py.File, key: str) -> Any:
    return json.loads(file.attrs[key])


def _check(result: RunResult) -> None:
    path, count = result.files.maps, len(result.name)
    if "fused" not in result.scores:
        raise _unsound(path, "it holds no fused scores")
    lengths = {len(result.defect), len(result.is_defect), *map(len, result.scores.values())}
    if count == 0 or lengths != {count}:
        raise _unsound(path, "names, labels and scores differ in number or are absent")
    if not all(np.isfinite(scores).all() for scores in result.scores.values()):
        raise _unsound(path, "a score is not finite")


def _unsound(path: Path, reason: str) -> UserError:
    return UserError(f"{path}: not a usable maps file: {reason}; run `dcrdf infer` again")
