"""Find defects on industrial parts from aligned colour and depth images, trained on good parts."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcrdf.judging.judge import Judge


def load(folder: str | Path, device: str = "auto", *, judge_anyway: bool = False) -> "Judge":
    """The fitted detector in `folder` (a run's `model` folder, or one that `dcrdf export` made),
    ready to judge scans.

    A scan that its sensors do not show is not judged, unless `judge_anyway`.
    Raises `dcrdf.errors.UserError` when the folder holds none, and when an extra is missing that it
    needs: torch for a trained model, onnxruntime for an exported one.
    """
    from dcrdf.errors import extras_named
    from dcrdf.judging.description import is_exported, read_description

    with extras_named():
        if is_exported(Path(folder)):
            from dcrdf.runtime.exported import ExportedModel

            return ExportedModel(Path(folder), device, judge_anyway=judge_anyway)
        read_description(Path(folder))  # a wrong folder is told from a missing torch
        from dcrdf.models.model import Model

        return Model(Path(folder), device, judge_anyway=judge_anyway)
