"""What is measured in the place of an absent modality."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from dcrdf.config.detectors import ResilientOptions
from dcrdf.detectors.patch_bank.bank import PatchBank
from dcrdf.detectors.patch_bank.choice import Say
from dcrdf.detectors.resilient.training_places import TrainingPlaces
from dcrdf.detectors.resilient.transfer import MAX_PLACES, Channels, Transfer
from dcrdf.modalities import DEPTH, MODALITIES, OTHER, RGB, Modality

COMPARED = 8192
"""Training places at which the distances of two banks are compared."""


class StandIns(nn.Module):
    """A transfer, and a bank of what it says of good parts for each modality: like is compared with
    like. `hole_scale` makes a stand-in's distances those of geometry."""

    hole_scale: Tensor

    def __init__(self, transfer: Transfer, channels: Channels, options: ResilientOptions) -> None:
        super().__init__()
        self.transfer = transfer
        self.channels = channels
        self.banks = nn.ModuleDict({name: PatchBank(options) for name in MODALITIES})
        self.register_buffer("hole_scale", torch.ones(()))

    def learn(self, places: TrainingPlaces, generator: torch.Generator, say: Say) -> None:
        """Fit the transfer to places that have both modalities."""
        rows = places.drawn(MAX_PLACES, generator)
        self.transfer.fit(rows, generator)
        for name in MODALITIES:
            left = self.transfer.unexplained(name, rows)
            say(f"{name} from {OTHER[name]}: {left:.0%} of the squares unexplained")

    def remember(
        self,
        places: TrainingPlaces,
        distances_of_geometry: Callable[[dict[Modality, Tensor]], Tensor],
        generator: torch.Generator,
        say: Say,
    ) -> None:
        """Fill the banks: that of geometry's stand-in from every place, since where nothing was
        measured nobody knows whether there would have been geometry."""
        for absent in MODALITIES:
            self._fill(absent, places, generator, say)
        rows = places.drawn(COMPARED, generator)
        self.hole_scale.fill_(
            _mean_of_new(distances_of_geometry(rows))
            / max(_mean_of_new(self.distances(DEPTH, rows[RGB])), 1e-12)
        )

    def _fill(
        self, absent: Modality, places: TrainingPlaces, generator: torch.Generator, say: Say
    ) -> None:
        chosen = places.places(
            self.channels[absent],
            lambda rows: self.told(absent, rows[OTHER[absent]]),
            with_geometry=absent == RGB,
        )
        bank = self.banks[absent]
        bank.fill(chosen, generator, lambda text: say(f"{absent} stand-in: {text}"))  # type: ignore[operator]

    def told(self, absent: Modality, present: Tensor) -> Tensor:
        """What the absent modality would be like (n, C)."""
        return self.transfer.stand_in(absent, present)

    def distances(self, absent: Modality, present: Tensor) -> Tensor:
        """Of what would stand for the absent modality to that of good parts, (n,)."""
        found: Tensor = self.banks[absent].distances(self.told(absent, present))  # type: ignore[operator]
        return found


def _mean_of_new(distances: Tensor) -> float:
    """The mean at the places that the bank does not hold; of none, a neutral 1."""
    new = distances[distances > 0.0]
    return float(new.mean()) if len(new) else 1.0
