"""Banks of good places by modality, and what of a place is compared with them."""

from collections.abc import Callable
from itertools import chain

import torch
from torch import Tensor, nn

from dcrdf.config.detectors import ResilientOptions
from dcrdf.detectors.patch_bank.bank import PatchBank
from dcrdf.detectors.patch_bank.choice import Say
from dcrdf.detectors.patch_bank.places import Places
from dcrdf.detectors.resilient.training_places import Rows, TrainingPlaces
from dcrdf.detectors.resilient.transfer import Channels
from dcrdf.modalities import DEPTH, MODALITIES, Modality

Student = Callable[[Rows], Rows]
"""Rows (n, C) of the modalities that are there -> what it makes of both."""


class Banks(nn.Module):
    """A bank for each modality: of frozen features or, with a student, of what that makes of
    training places shown complete and shown alone, so that like meets like."""

    def __init__(self, channels: Channels, options: ResilientOptions) -> None:
        super().__init__()
        self.channels = channels
        self.banks = nn.ModuleDict({name: PatchBank(options) for name in MODALITIES})

    def fill(
        self,
        places: TrainingPlaces,
        student: Student | None,
        generator: torch.Generator,
        say: Say,
    ) -> None:
        """Remember what the options choose: of geometry, where there is some."""
        for name in MODALITIES:
            chosen = self._alone(places, name, student)
            if student is not None:
                chosen = _both(chosen, self._complete(places, name, student))
            text = str(name)
            self.banks[name].fill(chosen, generator, lambda x, text=text: say(f"{text}: {x}"))  # type: ignore[operator]

    def _alone(self, places: TrainingPlaces, name: Modality, student: Student | None) -> Places:
        def rows_of(rows: Rows) -> Tensor:
            return alone(rows[name], name, student)

        return places.places(self.channels[name], rows_of, with_geometry=name == DEPTH)

    def _complete(self, places: TrainingPlaces, name: Modality, student: Student) -> Places:
        return places.places(
            self.channels[name], lambda rows: student(rows)[name], with_geometry=True
        )

    def distances(self, name: Modality, rows: Tensor) -> Tensor:
        """Of what is compared (n, C) to the nearest remembered place, (n,) float32."""
        found: Tensor = self.banks[name].distances(rows)  # type: ignore[operator]
        return found


def alone(rows: Tensor, name: Modality, student: Student | None) -> Tensor:
    """What of a modality's rows (n, C) is compared when the other modality has no say."""
    return rows if student is None else student({name: rows})[name]


def _both(one: Places, other: Places) -> Places:
    return Places(
        one.total + other.total, one.channels, lambda: chain(one.chunks(), other.chunks())
    )
