"""Exact nearest neighbours by Euclidean distance, searched in blocks.

|q - m|^2 = |m|^2 - 2 q.m + |q|^2 makes the search a product of matrices, and of a bank that is far
from the origin it loses its last digits: everything is taken relative to a centre, what was found
is measured again as |q - m|, and where that is so small that rounding may have ranked, in float64.
"""

from typing import NamedTuple

import torch
from torch import Tensor

BLOCKS = {"cpu": (256, 1024), "cuda": (8192, 16_384)}
"""Queries and bank members of a block by kind of device: a cache's worth, or work for all cores."""
SUMMED, MEASURED = 8192, 4096
"""Members, and pairs of a query and a member, that are in float32 at a time."""
RANKED_FROM = 1e-5
"""Squared distances from this share of the squared lengths on rank surely enough in float32."""


class Nearest(NamedTuple):
    """Distances (m, k) float32, ascending, and rows of the bank (m, k) int64."""

    distances: Tensor
    rows: Tensor


def nearest(queries: Tensor, bank: Tensor, count: int = 1) -> Nearest:
    """The `count` nearest members of a bank (n, C) for each query (m, C), on the same device.

    A bank of lower precision is searched as float32. What is held beside the answer is bounded by
    `BLOCKS`, not by m * n. A member that is not finite makes all distances NaN.
    Raises ValueError for a bank of fewer than `count` members, and a `count` below 1.
    """
    if not 1 <= count <= len(bank):
        raise ValueError(f"{count} neighbours in a bank of {len(bank)}")
    if torch.compiler.is_compiling():
        return _in_a_graph(queries, bank, count)
    with torch.no_grad(), torch.autocast(queries.device.type, enabled=False):
        queries, centre = queries.float(), _centre(bank)
        found = _measured(queries, bank, _ranked(queries, bank, centre, count))
        unsure = _unsure(found.distances, queries, centre)
        if bool(unsure.any()):
            again = queries[unsure]
            exact = _measured(again, bank, _ranked(again, bank, centre.double(), count))
            found.distances[unsure], found.rows[unsure] = exact
        # Every member is in the centre: one that is no number must not pass for far away.
        return Nearest(found.distances + 0.0 * centre.sum(), found.rows)


def _centre(bank: Tensor) -> Tensor:
    """The mean member (C,), float32."""
    sums = [part.float().sum(dim=0) for part in bank.split(SUMMED)]
    return torch.stack(sums).sum(dim=0) / len(bank)


def _unsure(distances: Tensor, queries: Tensor, centre: Tensor) -> Tensor:
    """Queries (m,) with a neighbour that rounding may have put before a nearer one. Nothing is
    nearer than 0."""
    least = RANKED_FROM * (queries - centre).square().sum(dim=1, keepdim=True)
    return ((distances > 0.0) & (distances.square() < least)).any(dim=1)


def _ranked(queries: Tensor, bank: Tensor, centre: Tensor, count: int) -> Tensor:
    """Rows (m, count) of the bank, nearest first as far as the centre's precision tells apart."""
    block, bank_block = BLOCKS["cuda" if queries.is_cuda else "cpu"]
    precision = centre.dtype
    shown = [part.to(precision) - centre for part in queries.split(block)]
    best = [x.new_full((len(x), count), torch.inf) for x in shown]
    rows = [torch.zeros_like(x, dtype=torch.long) for x in best]
    for first in range(0, len(bank), bank_block):
        members = bank[first : first + bank_block].to(precision) - centre
        squares = members.square().sum(dim=1)
        for at, part in enumerate(shown):
            relative = torch.addmm(squares, part, members.T, alpha=-2.0)
            here, where = _smallest(relative, min(count, len(members)))
            values = torch.cat([best[at], here], dim=1)
            places = torch.cat([rows[at], where + first], dim=1)
            best[at], kept = _smallest(values, count)
            rows[at] = places.gather(1, kept)
    return torch.cat(rows)


def _smallest(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` smallest of each row and where they are: (m, count) each."""
    if count == 1:
        return values.min(dim=1, keepdim=True)
    return values.topk(count, dim=1, largest=False)


def _in_a_graph(queries: Tensor, bank: Tensor, count: int) -> Nearest:
    """The same for any number of queries, without a look at values: nothing is ranked again in
    float64, which matters for queries that are in the bank themselves."""
    centre = _centre(bank)
    shown = queries.float() - centre
    values, rows = [], []
    for first in range(0, len(bank), BLOCKS["cpu"][1]):
        members = bank[first : first + BLOCKS["cpu"][1]].float() - centre
        relative = members.square().sum(dim=1) - 2.0 * (shown @ members.T)
        here, where = _smallest(relative, min(count, len(members)))
        values.append(here)
        rows.append(where + first)
    _, kept = _smallest(torch.cat(values, dim=1), count)
    found = torch.cat(rows, dim=1).gather(1, kept)
    distances, order = _smallest(distances_to(queries, bank, found), count)
    return Nearest(distances, found.gather(1, order))


def _measured(queries: Tensor, bank: Tensor, rows: Tensor) -> Nearest:
    """The members found, in the order of their distances from the queries as they are."""
    distances, order = distances_to(queries, bank, rows).sort(dim=1, stable=True)
    return Nearest(distances, rows.gather(1, order))


def distances_to(queries: Tensor, bank: Tensor, rows: Tensor) -> Tensor:
    """Distances (m, k) float32 of queries (m, C) to the members at rows (m, k) of a bank (n, C)."""
    if torch.compiler.is_compiling():  # a graph for any number of queries
        return torch.linalg.vector_norm(queries.float()[:, None] - bank[rows].float(), dim=2)
    size = max(1, MEASURED // rows.shape[1])
    pairs = zip(queries.split(size), rows.split(size), strict=True)
    parts = [
        torch.linalg.vector_norm(shown.float()[:, None] - bank[where].float(), dim=2)
        for shown, where in pairs
    ]
    return torch.cat(parts)
