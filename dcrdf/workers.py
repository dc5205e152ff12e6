"""Worker processes that answer in order and never run far ahead of who reads the answers."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from multiprocessing import connection
from types import TracebackType
from typing import Self, TypeVar

import cv2

from dcrdf.errors import UserError

Item = TypeVar("Item")
Answer = TypeVar("Answer")

AHEAD_PER_PROCESS = 2
"""Items handed out before an answer is read, per process: bounds the memory."""


class Workers(AbstractContextManager["Workers"]):
    """`processes` spawned workers with one thread each; with one, everything runs right here."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        if self._processes > 1:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._processes, context, _start_worker)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def map(self, function: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[Answer]:
        """`function` of every item, in order; what it raises is raised here."""
        if self._pool is None:
            yield from map(function, items)
            return
        waiting: deque[Future[Answer]] = deque()
        try:
            for item in items:
                waiting.append(self._pool.submit(function, item))
                if len(waiting) > AHEAD_PER_PROCESS * self._processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise UserError(
                "--processes: a worker process was killed (out of memory?); use fewer"
            ) from None


def _start_worker() -> None:
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    """Workers of a killed parent would wait for work for ever: they hold both pipe ends."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
