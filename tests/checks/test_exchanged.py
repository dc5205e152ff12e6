"""Exchanged depths are told by what scans have of their own; what all share tells nothing."""

import numpy as np
import pytest

from dcrdf.checks.exchanged import exchanged, gains_of_exchange
from dcrdf.checks.partners import Pair


def made(count: int = 14, own: float = 0.3, seed: int = 0) -> list[Pair]:
    """Pictures that are the same in all scans but for a share that is each one's own."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(2, 8, 8))
    pictures = [common + own * rng.normal(size=common.shape) for _ in range(count)]
    noise = [0.1 * own * rng.normal(size=common.shape) for _ in range(count)]
    return [
        Pair(one.astype(np.float16), (one + other).astype(np.float16))
        for one, other in zip(pictures, noise, strict=True)
    ]


def swapped(pairs: list[Pair], *numbers: tuple[int, int]) -> list[Pair]:
    result = list(pairs)
    for one, other in numbers:
        result[one] = Pair(pairs[one].colour, pairs[other].surface)
        result[other] = Pair(pairs[other].colour, pairs[one].surface)
    return result


@pytest.mark.parametrize("seed", range(5))
def test_exactly_those_that_were_exchanged(seed: int) -> None:
    pairs = made(20, seed=seed)
    assert exchanged(pairs) == []
    assert exchanged(swapped(pairs, (3, 11))) == [(3, 11)]
    assert exchanged(swapped(pairs, (0, 19), (4, 5))) == [(0, 19), (4, 5)]


def test_gains_by_their_definition() -> None:
    pairs = made()
    colour, surface = (
        [getattr(pair, kind).astype(np.float64) for pair in pairs] for kind in ("colour", "surface")
    )

    def agreement(one: int, other: int) -> float:
        total = 0.0
        for kind in range(2):
            x = colour[one][kind] - np.mean(colour, axis=0)[kind]
            y = surface[other][kind] - np.mean(surface, axis=0)[kind]
            total += (x * y).sum() / np.linalg.norm(x) / np.linalg.norm(y)
        return total

    expected = agreement(2, 7) + agreement(7, 2) - agreement(2, 2) - agreement(7, 7)
    assert gains_of_exchange(pairs)[2, 7] == pytest.approx(expected, abs=1e-4)


def test_strangers_and_too_few_say_nothing() -> None:
    strangers = [
        Pair(one.colour, other.surface) for one, other in zip(made(), made(seed=1), strict=True)
    ]
    assert exchanged(strangers) == []
    assert exchanged(swapped(made(11), (2, 3))) == []


def test_pictures_of_nothing_say_nothing() -> None:
    nothing = np.zeros((2, 8, 8), np.float16)
    assert exchanged([Pair(nothing, nothing)] * 14) == []
