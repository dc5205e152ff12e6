"""The Gaussian blur of anomaly maps."""

import torch
from torch import Tensor
from torch.nn import functional


def gaussian_blur(maps: Tensor, sigma_px: float) -> Tensor:
    """Gaussian filter of maps (B, H, W), cut at four deviations, mirrored at the border."""
    if sigma_px == 0.0:
        return maps
    radius = min(round(4.0 * sigma_px), min(maps.shape[1:]) - 1)
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32, device=maps.device)
    kernel = torch.exp(-0.5 * (offsets / sigma_px) ** 2)
    kernel = kernel / kernel.sum()
    padded = functional.pad(maps.float().unsqueeze(1), [radius] * 4, mode="reflect")
    rows = functional.conv2d(padded, kernel.view(1, 1, 1, -1))
    return functional.conv2d(rows, kernel.view(1, 1, -1, 1)).squeeze(1)
