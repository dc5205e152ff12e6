"""In which orientations a training shows its scans."""

import numpy as np
from numpy.typing import NDArray

from dcrdf.networks.teacher import Teacher
from dcrdf.tensors.orientation import ORIENTATIONS
from dcrdf.tensors.scans import Scans
from dcrdf.training.features import AS_IT_IS, orientations_of
from dcrdf.training.loop import FitContext


def shown_orientations(
    augment: str, teacher: Teacher, train: Scans, context: FitContext
) -> NDArray[np.intp]:
    """All that `augment` says: as they are (`none`), all eight (`dihedral`), or those in which good
    parts come by themselves (`natural`); the log says how many. The teacher is on the device."""
    if augment == "none":
        return AS_IT_IS
    if augment == "dihedral":
        shown = np.arange(ORIENTATIONS)
    else:
        shown = orientations_of(teacher, train, context.device)
    context.say(f"good parts are shown in {len(shown)} of {ORIENTATIONS} orientations")
    return shown
