import numpy as np

from dcrdf.anomalies.draw import MODALITIES, Draw
from dcrdf.config.options import PseudoOptions


def test_draws_are_those_of_the_generators_own_uniform():
    """One call for all random numbers gives the bits of a call each."""
    options = PseudoOptions(variant="modality")
    for seed in range(50):
        draw = Draw.of(options, np.random.default_rng(seed))
        rng = np.random.default_rng(seed)
        assert draw.modality == MODALITIES[rng.integers(3)]
        colour_sign, depth_sign = rng.integers(2, size=2) * 2 - 1
        assert draw.quantile == rng.uniform(*options.quantile)
        assert draw.colour_strength == colour_sign * rng.uniform(*options.colour_strength)
        assert draw.depth_strength == depth_sign * rng.uniform(*options.depth_strength)
        assert draw.texture_share == rng.uniform(*options.texture_share)
        assert draw.texture == rng.random()
        assert draw.turn_rad == rng.uniform(0.0, 2.0 * np.pi)
        assert draw.zoom == np.exp(rng.uniform(np.log(0.5), np.log(2.0)))
