"""All places of good images, too many to be held: pass by pass."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Places:
    """`total` places with their features: `chunks()` gives them as rows (n, `channels`), the same
    and in the same order in every pass."""

    total: int
    channels: int
    chunks: Callable[[], Iterable[Tensor]]

    def drawn(self, count: int, generator: torch.Generator) -> Tensor:
        """Numbers of at most `count` places, each once, drawn in random order."""
        return torch.randperm(self.total, generator=generator)[:count]

    def rows(self, numbers: Tensor) -> Tensor:
        """Features (k, `channels`) of the places of those numbers (k,), in their order."""
        held, first = torch.empty(0), 0
        for chunk in self.chunks():
            if first == 0:
                held = chunk.new_empty(len(numbers), chunk.shape[1])
            here = (numbers >= first) & (numbers < first + len(chunk))
            held[here.to(chunk.device)] = chunk[(numbers[here] - first).to(chunk.device)]
            first += len(chunk)
        return held

    def projected(self, columns: int, generator: torch.Generator) -> Self:
        """The same places in so many orthogonal directions, drawn at random and scaled so that
        distances stay what they are in the mean; as they are for 0 and for as many as there are."""
        if not 0 < columns < self.channels:
            return self
        drawn = torch.randn(self.channels, columns, dtype=torch.float64, generator=generator)
        basis = torch.linalg.qr(drawn).Q * (self.channels / columns) ** 0.5
        return replace(
            self,
            channels=columns,
            chunks=lambda: (chunk @ basis.to(chunk) for chunk in self.chunks()),
        )
