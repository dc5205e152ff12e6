"""The random scalars of one pseudo-anomaly, all drawn from its seed."""

from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import PseudoOptions

Modality: TypeAlias = Literal["joint", "colour", "depth"]
MODALITIES: tuple[Modality, ...] = ("joint", "colour", "depth")


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
        return cls(
            modality=chosen if options.variant == "modality" else "joint",
            quantile=rng.uniform(*options.quantile),
            colour_strength=colour_sign * rng.uniform(*options.colour_strength),
            depth_strength=depth_sign * rng.uniform(*options.depth_strength),
            texture_share=rng.uniform(*options.texture_share),
            texture=rng.random(),
            turn_rad=rng.uniform(0.0, 2.0 * np.pi),
            zoom=float(np.exp(rng.uniform(np.log(0.5), np.log(2.0)))),
            texture_shift=_colour_shift(rng) * np.float32(options.texture_shift),
        )


def _colour_shift(rng: np.random.Generator) -> NDArray[np.float32]:
    """A random colour direction of unit root mean square, (3, 1)."""
    direction = rng.standard_normal((3, 1), dtype=np.float32)
    return direction / np.sqrt(np.mean(direction * direction))
