"""Remembered patches, and how far others are from them."""

import torch
from torch import Tensor, nn

from dcrdf.config.detectors.patch_bank import PatchBankOptions
from dcrdf.detectors.patch_bank.choice import Say, chosen_places
from dcrdf.detectors.patch_bank.places import Places
from dcrdf.errors import UserError
from dcrdf.networks.nearest import distances_to, nearest


class PatchBank(nn.Module):
    """Remembered patches (n, C) of one modality and, where distances are re-weighted, the rows
    (n, b) of each one's nearest."""

    patches: Tensor
    around: Tensor

    def __init__(self, options: PatchBankOptions) -> None:
        super().__init__()
        self.options = options
        self.register_buffer("patches", torch.empty(0, 0))
        if options.reweight:
            self.register_buffer("around", torch.empty(0, 0, dtype=torch.long))

    def fill(self, places: Places, generator: torch.Generator, say: Say = lambda _: None) -> None:
        """Remember what the options choose of the places; `UserError` where they cannot be."""
        rows = places.rows(chosen_places(places, self.options, generator, say))
        self.patches = rows.to(getattr(torch, self.options.bank_precision))
        if not bool(torch.isfinite(self.patches).all()):
            raise UserError(
                "options.bank_precision: features are too large or no numbers in"
                f" {self.options.bank_precision}; set float32, or check the teacher's weights"
            )
        if self.options.reweight:
            if len(self.patches) < 2:
                raise UserError("options.reweight: a bank of one patch has no neighbours; set 0")
            count = min(self.options.reweight, len(self.patches))
            self.around = nearest(self.patches, self.patches, count).rows

    def distances(self, queries: Tensor) -> Tensor:
        """Of each query (m, C) to its nearest patch, Euclidean, re-weighted where the options say
        so: (m,) float32."""
        found = nearest(queries, self.patches)
        distances, rows = found.distances[:, 0], found.rows[:, 0]
        return self._reweighted(queries, distances, rows) if self.options.reweight else distances

    def _reweighted(self, queries: Tensor, distances: Tensor, rows: Tensor) -> Tensor:
        """Less where good patches lie close together around the nearest one: times 1 - exp(d) over
        the sum of exp of the distances to that patch's nearest (Roth et al., CVPR 2022, eq. 7)."""
        around = distances_to(queries, self.patches, self.around[rows])
        return distances * (1.0 - torch.exp(distances - around.logsumexp(dim=1)))
