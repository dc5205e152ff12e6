"""What one modality's features tell of the other's, learnt at places of good parts.

The paper distils classifiers of labelled defects (section 3.3), which one-class data sets do not
have. Here the frozen features are what the teachers know and mean squares stand for cross entropy
and divergence, as in its relative CMDIAD.
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

from dcrdf.config.detectors import ResilientOptions
from dcrdf.modalities import MODALITIES, OTHER, Modality
from dcrdf.networks.place_network import STEP_PLACES, PlaceNetwork

Rows = dict[Modality, Tensor]
Channels = dict[Modality, int]
MAX_PLACES = 100_000
"""Places that a transfer learns from, at most."""
SHARED = 512
"""Width of the joint network's middle."""
LEARNING_RATE = 5e-4
"""Of the joint network (CMDIAD's)."""
PAIR_RATE = 6e-3
"""Of the pair's first step; with it 500 steps come as far as 2,000 at an even 3e-3."""
KEPT_BOTH, LOST_COLOUR = 0.4, 0.3
"""Shares of places that are shown complete and without colour; the rest is without geometry."""


def falling(done: float) -> float:
    """The pair's learning rate along half of a cosine."""
    return PAIR_RATE * (1.0 + math.cos(math.pi * done)) / 2.0


class Transfer(nn.Module, ABC):
    """Features (n, C) of an absent modality from those of the one that is there."""

    @abstractmethod
    def fit(self, rows: Rows, generator: torch.Generator) -> None:
        """Learn from places (n, C) that have both modalities; the generator draws on the CPU."""

    @abstractmethod
    def stand_in(self, absent: Modality, present: Tensor) -> Tensor:
        """What the absent modality would be like, (n, C of it)."""

    @torch.no_grad()
    def unexplained(self, absent: Modality, rows: Rows) -> float:
        """The share of a modality's squared deviations that the other does not tell."""
        target = rows[absent]
        error = target - self.stand_in(absent, rows[OTHER[absent]])
        spread = (target - target.mean(dim=0)).square().sum().clamp_min(1e-12)
        return float(error.square().sum() / spread)


class Pair(Transfer):
    """Two networks of places that share nothing."""

    def __init__(self, channels: Channels, options: ResilientOptions) -> None:
        super().__init__()
        self.steps = options.transfer_steps
        self.networks = nn.ModuleDict(
            {
                absent: PlaceNetwork(channels[OTHER[absent]], options.transfer_hidden, n)
                for absent, n in channels.items()
            }
        )
        for absent, n in channels.items():
            self.register_buffer(f"{absent}_mean", torch.zeros(n))

    def fit(self, rows: Rows, generator: torch.Generator) -> None:
        """One network after the other, mean squares about the mean."""
        for absent in MODALITIES:
            mean = self.get_buffer(f"{absent}_mean")
            mean.copy_(rows[absent].mean(dim=0))
            target = rows[absent] - mean

            def loss(outputs: Tensor, numbers: Tensor, target: Tensor = target) -> Tensor:
                return functional.mse_loss(outputs, target[numbers])

            network = self.networks[absent]
            network.fit(rows[OTHER[absent]], loss, self.steps, generator, falling)  # type: ignore[operator]

    def stand_in(self, absent: Modality, present: Tensor) -> Tensor:
        """Its network's answer."""
        told: Tensor = self.networks[absent](present) + self.get_buffer(f"{absent}_mean")
        return told


class Joint(Transfer):
    """One network for what is there: a layer for each modality, or a learned vector in the place
    of an absent one, their mean, a hidden layer, and a head for each modality's features."""

    def __init__(self, channels: Channels, options: ResilientOptions) -> None:
        super().__init__()
        self.steps = options.transfer_steps
        self.layers = nn.ModuleDict(
            {
                name: nn.Sequential(nn.LayerNorm(n), nn.Linear(n, SHARED), nn.GELU())
                for name, n in channels.items()
            }
        )
        self.absent = nn.ParameterDict(
            {name: nn.Parameter(torch.zeros(SHARED)) for name in channels}
        )
        self.hidden = nn.Sequential(nn.Linear(SHARED, options.transfer_hidden), nn.GELU())
        self.heads = nn.ModuleDict(
            {name: nn.Linear(options.transfer_hidden, n) for name, n in channels.items()}
        )
        self.requires_grad_(False)

    def forward(self, rows: Rows, is_there: dict[Modality, Tensor] | None = None) -> Rows:
        """Rows (n, C) of the modalities that are there -> what both heads say; `is_there` (n, 1)
        may take a modality from some of the rows."""
        count = len(next(iter(rows.values())))
        shared = []
        for name in MODALITIES:
            vector = self.absent[name].expand(count, -1)
            if name in rows:
                told = self.layers[name](rows[name])
                vector = told if is_there is None else torch.where(is_there[name], told, vector)
            shared.append(vector)
        hidden = self.hidden((shared[0] + shared[1]) / 2)
        return {name: self.heads[name](hidden) for name in MODALITIES}

    def stand_in(self, absent: Modality, present: Tensor) -> Tensor:
        """The absent one's head, when the other is shown alone."""
        return self({OTHER[absent]: present})[absent]  # type: ignore[no-any-return]

    @torch.enable_grad()
    def fit(self, rows: Rows, generator: torch.Generator) -> None:
        """Mean squares of both heads, equally weighted; Adam, its rate falling along a cosine. Each
        place is shown complete, without colour or without geometry, by chance."""
        self._draw(generator)
        self.requires_grad_(True)
        optimizer = torch.optim.Adam(self.parameters(), LEARNING_RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.steps)
        count = len(next(iter(rows.values())))
        for _ in range(self.steps):
            numbers = torch.randint(count, (min(count, STEP_PLACES),), generator=generator)
            chance = torch.rand(len(numbers), 1, generator=generator)
            kept_colour = (chance < KEPT_BOTH) | (chance >= KEPT_BOTH + LOST_COLOUR)
            kept = (kept_colour, chance < KEPT_BOTH + LOST_COLOUR)
            shown = {name: x[numbers.to(x.device)] for name, x in rows.items()}
            is_there = {
                name: chosen.to(shown[name].device)
                for name, chosen in zip(MODALITIES, kept, strict=True)
            }
            told = self(shown, is_there)
            errors = [functional.mse_loss(told[name], shown[name]) for name in MODALITIES]
            optimizer.zero_grad(set_to_none=True)
            sum(errors[1:], errors[0]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        self.requires_grad_(False)

    @torch.no_grad()
    def _draw(self, generator: torch.Generator) -> None:
        """Starting weights from the generator, as wide as torch's own."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                bound = module.in_features**-0.5
                for x in (module.weight, module.bias):
                    x.copy_((2.0 * torch.rand(x.shape, generator=generator) - 1.0) * bound)
        for vector in self.absent.values():
            vector.copy_(0.02 * torch.randn(vector.shape, generator=generator))


def transfer_of(channels: Channels, options: ResilientOptions) -> Transfer | None:
    """The options' transfer, if there is one."""
    kinds = {"pair": Pair, "joint": Joint}
    kind = kinds.get(options.transfer)
    return None if kind is None else kind(channels, options)
