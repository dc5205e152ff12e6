"""A distance along the ray in place of depth shows as a bowl of one form."""

import numpy as np
import pytest

from dcrdf.checks.bowl import border_bend

SIZE, FOCAL_PX = 96, 90.0


def scene(number: int, power: float, noise_m: float = 2e-4) -> np.ndarray:
    """Points of a tilted table with a box on it, z multiplied by rho to a power."""
    rng = np.random.default_rng(number)
    v, u = (np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2) / FOCAL_PX
    slope = rng.uniform(-0.2, 0.2, 2)
    z = 0.5 / (1 - slope[0] * u - slope[1] * v)
    z[30:60, 10:96] -= 0.03  # crosses the border
    z += rng.normal(0, noise_m, z.shape)
    z *= np.sqrt(1 + u**2 + v**2) ** power
    xyz = np.stack([u * z, v * z, z], axis=2)
    xyz[rng.random(z.shape) < 0.03] = 0
    return xyz.astype(np.float32)


@pytest.mark.parametrize("power", [0.0, 1.0, -1.0])
def test_the_power_is_found(power: float) -> None:
    for number in range(4):
        found = border_bend(scene(number, power))
        assert found is not None
        assert found.bend == pytest.approx(power, abs=0.05)
        assert found.error < 0.02


def test_noise_widens_the_error_and_few_points_say_nothing() -> None:
    calm, noisy = border_bend(scene(0, 1.0)), border_bend(scene(0, 1.0, noise_m=5e-3))
    assert calm is not None
    assert noisy is not None
    assert noisy.error > 4 * calm.error
    alone = scene(0, 1.0)
    alone[5:] = 0
    alone[:, 20:] = 0
    assert border_bend(alone) is None
    assert border_bend(np.zeros((SIZE, SIZE, 3), np.float32)) is None
