"""What is computed of training scans, kept where memory allows it."""

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CHUNK = 16
Rows = NDArray[np.intp]
Tensors = TypeVar("Tensors", bound=tuple[Tensor, ...])
Others = TypeVar("Others", bound=tuple[Tensor, ...])


class HeldRows(Generic[Tensors]):
    """Tensors that a function makes of rows 0 to `count` - 1, by row number; held on the device
    where they take no more than `cache_mb`, of which `left_mb` is left."""

    def __init__(
        self,
        make: Callable[[Rows], Tensors],
        count: int,
        device: torch.device,
        cache_mb: float,
    ) -> None:
        self._make, self._count, self._device = make, count, device
        self._held: Tensors | None = None
        size_mb = count * sum(x.nbytes for x in make(np.arange(1))) / 2**20
        fits = size_mb <= cache_mb
        self.left_mb = cache_mb - size_mb * fits
        if fits:
            self._held = self._all()

    def followed_by(self, function: Callable[[Tensors], Others]) -> "HeldRows[Others]":
        """What a function makes of them, for the same rows; held in the room that is left."""
        return HeldRows(
            lambda rows: function(self.rows(rows)), self._count, self._device, self.left_mb
        )

    def rows(self, rows: Rows) -> Tensors:
        """That of the rows, in their order."""
        if self._held is None:
            return self._make(rows)
        index = torch.as_tensor(rows, device=self._device)
        return _like(self._held, [x[index] for x in self._held])

    def chunks(self) -> Iterator[Tensors]:
        """That of all rows, some at a time."""
        for start in range(0, self._count, CHUNK):
            yield self.rows(np.arange(start, min(start + CHUNK, self._count)))

    def _all(self) -> Tensors:
        """Filled in place, it takes no more memory than it holds."""
        held: list[Tensor] = []
        at = 0
        for chunk in self.chunks():
            held = held or [x.new_empty((self._count, *x.shape[1:])) for x in chunk]
            for whole, given in zip(held, chunk, strict=True):
                whole[at : at + len(given)] = given
            at += len(chunk[0])
        return _like(chunk, held)


def _like(one: Tensors, tensors: list[Tensor]) -> Tensors:
    """Tensors under the names that a named tuple has for them."""
    kind: Any = type(one)
    made: Tensors = kind(*tensors) if hasattr(kind, "_fields") else kind(tensors)
    return made
