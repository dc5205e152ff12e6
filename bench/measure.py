"""Time and memory of a call."""

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

Call = Callable[[], Any]


def cpu_seconds(call: Call) -> float:
    """CPU seconds of one call."""
    return best_seconds(call, 1)


def best_seconds(
    call: Call,
    rounds: int = 5,
    *,
    warm_up: bool = False,
    clock: Callable[[], float] = time.process_time,
) -> float:
    """The least time of several calls, after one that is not counted if `warm_up`.

    CPU seconds of this process, or what another `clock` tells.
    """
    if warm_up:
        call()
    taken = []
    for _ in range(rounds):
        start = clock()
        call()
        taken.append(clock() - start)
    return min(taken)


def repeated_ms(call: Call, times: int = 40) -> float:
    """CPU milliseconds of a call too short to be timed alone: the best round of `times` calls."""
    return 1e3 / times * best_seconds(lambda: [call() for _ in range(times)])


def peak_mb(call: Call) -> float:
    """The most that Python and numpy hold at a time for a call, beyond what they held before."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6
