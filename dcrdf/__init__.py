"""Find defects on industrial parts from aligned colour and depth images, trained on good parts."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcrdf.models.model import Model


def load(folder: str | Path, device: str = "auto", *, judge_anyway: bool = False) -> "Model":
    """The fitted detector in `folder` (a run's `model` folder), ready to judge scans.

    A scan that its sensors do not show is not judged, unless `judge_anyway`.
    Raises `dcrdf.errors.UserError` when the folder holds none.
    """
    from dcrdf.models.model import Model

    return Model(Path(folder), device, judge_anyway=judge_anyway)
