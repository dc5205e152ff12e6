"""How far a modality of an image is believed, by how much it is unlike good ones as a whole."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from dcrdf.judging.prediction import UNUSUAL


class Trust(NamedTuple):
    """Of B images: by how much each modality is unusual, (B,), 1 or more, and how far heights are
    believed at each place, (B, H, W) from 0 to 1; None: everywhere."""

    unusual: Mapping[str, Tensor]
    heights: Tensor | None

    def alone(self) -> dict[str, Tensor]:
        """By how much each is unusual alone."""
        return alone(self.unusual)


def alone(unusual: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """By how much each modality is unusual, (B,), alone, which is bad light or a bad sensor. What
    both share is no such thing, another part perhaps, and counts in full."""
    if not unusual:
        return {}
    shared = torch.stack(list(unusual.values())).amin(dim=0)
    return {name: x / shared for name, x in unusual.items()}


def belief(factors: Tensor) -> Tensor:
    """1 for what is as usual, falling to 0 for what is unusual by the factor `UNUSUAL`."""
    return ((UNUSUAL - factors) / (UNUSUAL - 1.0)).clamp(0.0, 1.0)
