"""Where in the grid a cell is, as sines and cosines."""

import torch
from torch import Tensor


def sine_encoding(
    rows: int, columns: int, channels: int, device: torch.device | None = None
) -> Tensor:
    """Encoding (channels, rows, columns) float32 of the cells' integer indices.

    The first half of the channels tells the column, the second the row: pairs of sine and cosine
    of index x 10000^(-4 k / channels), k = 0, 1, ... (CFLOW's, as AST takes it). ValueError unless
    `channels` is a multiple of 4.
    """
    if channels % 4:
        raise ValueError("an encoding has pairs for both directions: a multiple of 4 channels")
    order = torch.arange(channels // 4, dtype=torch.float64, device=device)
    frequencies = 10_000.0 ** (-4.0 * order / channels)
    of_column = _pairs(torch.arange(columns, device=device), frequencies)
    of_row = _pairs(torch.arange(rows, device=device), frequencies)
    return torch.cat(
        [
            of_column[:, None, :].expand(-1, rows, -1),
            of_row[:, :, None].expand(-1, -1, columns),
        ]
    ).float()


def _pairs(indices: Tensor, frequencies: Tensor) -> Tensor:
    """(2 K, N): sine and cosine of every frequency in turn."""
    angles = frequencies[:, None] * indices
    return torch.stack([angles.sin(), angles.cos()], dim=1).flatten(0, 1)
