import numpy as np
import pytest

from dcrdf.checks.alignment import best_shift, edge_product

SIZE = 128


def scene(seed: int, right: int = 0, down: int = 0, relief_m: float = 0.01) -> tuple:
    """Discs that differ in colour and height; the surface lies `right`, `down` pixels off."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE]
    discs = np.zeros((SIZE, SIZE), np.float32)
    for _ in range(4):
        row, column, radius = [*rng.uniform(30, 98, 2).tolist(), rng.uniform(8, 20)]
        discs[np.hypot(x - column, y - row) < radius] += rng.uniform(0.5, 1.0)
    grey = 60 + 80 * discs + rng.normal(0, 4, discs.shape)
    rgb = np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    surface_m = np.roll(discs, (down, right), (0, 1)) * relief_m
    return rgb, (surface_m + rng.normal(0, 1e-4, discs.shape)).astype(np.float32)


@pytest.mark.parametrize(("right", "down"), [(0, 0), (5, 0), (-9, 4), (0, -12)])
def test_a_shift_is_found(right: int, down: int) -> None:
    shift = best_shift([edge_product(*scene(seed, right, down)) for seed in range(8)])
    assert shift is not None
    assert abs(shift.right_px - right) <= 1
    assert abs(shift.down_px - down) <= 1
    assert shift.correlation > 0.3


def test_products_are_those_of_shifting_and_multiplying() -> None:
    rgb, surface_m = scene(3, 4, 2)
    product = edge_product(rgb, surface_m)
    centre = product.products.shape[0] // 2
    best = np.unravel_index(product.products.argmax(), product.products.shape)
    assert np.abs(np.array(best) - [centre + 2, centre + 4]).max() <= 1
    assert product.products.max() <= np.sqrt(product.colour_energy * product.surface_energy)


def test_unrelated_or_flat_surfaces_are_not_judged() -> None:
    unrelated = [edge_product(scene(n)[0], scene(n + 100)[1]) for n in range(8)]
    assert best_shift(unrelated) is None
    flat = [edge_product(*scene(n, 6, 0, relief_m=0.0)) for n in range(8)]
    assert best_shift(flat) is None
    constant = edge_product(np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.float32))
    assert best_shift([constant] * 8) is None


def test_flat_scans_do_not_outvote_telling_ones() -> None:
    telling = [edge_product(*scene(n, 6, 0)) for n in range(4)]
    flat = [edge_product(*scene(n, 0, 0, relief_m=0.0)) for n in range(100, 120)]
    shift = best_shift([*telling[:2], *flat, *telling[2:]])
    assert shift is not None
    assert abs(shift.right_px - 6) <= 1


def test_a_few_scans_are_not_enough() -> None:
    assert best_shift([edge_product(*scene(seed)) for seed in range(7)]) is None
    assert best_shift([]) is None
