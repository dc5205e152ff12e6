"""The random scalars of one pseudo-anomaly, all drawn from its seed."""

import math
from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import PseudoOptions

Modality: TypeAlias = Literal["joint", "colour", "depth"]
MODALITIES: tuple[Modality, ...] = ("joint", "colour", "depth")
LOG_ZOOM_MAX = math.log(2.0)
"""Textures shrink and grow by at most a factor of two."""


@dataclass(frozen=True)
class Draw:
    """The scalars of one variant."""

    modality: Modality
    quantile: float
    colour_strength: float
    """Signed beta_p."""
    depth_strength: float
    """Signed beta_d."""
    texture_share: float
    """rho_0."""
    texture: float
    """Which texture, as a share of the set."""
    turn_rad: float
    zoom: float
    texture_shift: NDArray[np.float32]
    """(3, 1): per channel, in the part's deviations."""

    @classmethod
    def of(cls, options: PseudoOptions, rng: np.random.Generator) -> Self:
        """Draw every scalar, needed or not, so that options do not shift later draws."""
        chosen = MODALITIES[int(rng.integers(len(MODALITIES)))]
        colour_sign, depth_sign = (float(sign) for sign in rng.integers(2, size=2) * 2 - 1)
        shares = iter(rng.random(7).tolist())
        return cls(
            modality=chosen if options.variant == "modality" else "joint",
            quantile=_between(*options.quantile, next(shares)),
            colour_strength=colour_sign * _between(*options.colour_strength, next(shares)),
            depth_strength=depth_sign * _between(*options.depth_strength, next(shares)),
            texture_share=_between(*options.texture_share, next(shares)),
            texture=next(shares),
            turn_rad=_between(0.0, 2.0 * math.pi, next(shares)),
            zoom=float(np.exp(_between(-LOG_ZOOM_MAX, LOG_ZOOM_MAX, next(shares)))),
            texture_shift=_colour_shift(rng) * np.float32(options.texture_shift),
        )


def _between(low: float, high: float, share: float) -> float:
    """What `Generator.uniform` makes of a random number in [0, 1)."""
    return low + (high - low) * share


def _colour_shift(rng: np.random.Generator) -> NDArray[np.float32]:
    """A random colour direction of unit root mean square, (3, 1)."""
    direction = rng.standard_normal((3, 1), dtype=np.float32)
    return direction / np.sqrt((direction * direction).sum() / 3)
