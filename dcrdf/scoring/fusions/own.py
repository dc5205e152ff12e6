"""The detector's own fusion."""

from torch import Tensor

from dcrdf.scoring.fusions.base import Evidence, Fusion


class OwnFusion(Fusion):
    """A map that the detector has fused itself, by its name."""

    def __call__(self, evidence: Evidence) -> Tensor:
        """(B, H, W)."""
        return evidence.blurred.joint[self.name]
