"""Prepared arrays -> what the teacher reads."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def rgb_tensor(rgb: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Colour images (B, H, W, 3) uint8 -> (B, 3, H, W) float32 in [0, 1]."""
    images = torch.from_numpy(np.ascontiguousarray(rgb)).to(device)
    return images.permute(0, 3, 1, 2).float().div_(255.0).contiguous()


def surface_tensor(surface: NDArray[np.floating], device: torch.device) -> Tensor:
    """Normalised height (B, H, W), replicated, or encoded normals (B, H, W, 3) -> (B, 3, H, W)
    float32."""
    images = torch.from_numpy(np.ascontiguousarray(surface, dtype=np.float32)).to(device)
    if images.ndim == 4:
        return images.permute(0, 3, 1, 2).contiguous()
    return images.unsqueeze(1).expand(-1, 3, -1, -1).contiguous()
