"""Fusion by a linear one-class SVM of good pixels."""

from torch import Tensor

from dcrdf.scoring.fusions.base import Evidence, Fusion
from dcrdf.scoring.one_class_svm import weighed


class OneClassSvm(Fusion):
    """The sum of both maps by the weights that the SVM of good validation pixels gives them."""

    def __call__(self, evidence: Evidence) -> Tensor:
        """(B, H, W)."""
        if self.weights is None:
            raise ValueError("one_class_svm without weights of good images")
        return evidence.blur(weighed(evidence.raw.asked(), self.weights))
