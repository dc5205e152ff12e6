"""A calibrated detector as a folder that can be used anywhere."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dcrdf.files.atomic import replacing
from dcrdf.files.jsonfile import write_json
from dcrdf.judging.description import DESCRIPTION, read_description
from dcrdf.models.checkpoint import WEIGHTS
from dcrdf.scoring.scorer import Scorer


def deploy(
    trained: Path,
    folder: Path,
    scorer: Scorer,
    thresholds: Mapping[str, Any],
    good: Mapping[str, Sequence[float]],
    stage: Any,
) -> None:
    """Make `folder` a usable model: the trained weights (linked, not copied, where the file system
    allows) and a description with scoring, thresholds and the gauges of good validation scans, with
    which a line compares its parts."""
    with replacing(folder / WEIGHTS) as temporary:
        try:
            os.link(trained / WEIGHTS, temporary)
        except OSError:
            shutil.copyfile(trained / WEIGHTS, temporary)
    description = read_description(trained)
    description |= {"scoring": scorer.describe(), "thresholds": dict(thresholds), "infer": stage}
    description["good_validation"] = {name: list(values) for name, values in good.items()}
    write_json(folder / DESCRIPTION, description)
