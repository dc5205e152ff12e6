"""Teacher features of the good images of a step."""

import numpy as np
from numpy.typing import NDArray

from dcrdf.networks.teacher import Teacher
from dcrdf.tensors.scans import Scans
from dcrdf.training.features import AS_IT_IS, FeatureSource, ModalityFeatures
from dcrdf.training.loop import FitContext
from dcrdf.training.order import orientation_of_rows


class CleanBatches:
    """Features of the rows of a step, each scan in the orientation whose turn it is.

    They are on the device before the first step where `train.feature_cache_mb` allows it.
    """

    def __init__(
        self,
        teacher: Teacher,
        train: Scans,
        context: FitContext,
        orientations: NDArray[np.intp] = AS_IT_IS,
    ) -> None:
        budget_mb = float(context.options.feature_cache_mb)
        self._source = FeatureSource(teacher, train, context.device, budget_mb, orientations)
        self._count, self._seed, self._orientations = len(train), context.seed, orientations
        self.budget_left_mb = budget_mb - self._source.size_mb()
        """What may still be held."""

    def turns(self, rows: NDArray[np.intp], epoch: int) -> NDArray[np.intp]:
        """Which of the orientations each row shows in an epoch."""
        return orientation_of_rows(self._count, len(self._orientations), self._seed, epoch)[rows]

    def __call__(self, rows: NDArray[np.intp], epoch: int) -> ModalityFeatures:
        """Features of both modalities."""
        return self._source.rows(rows, self.turns(rows, epoch))
