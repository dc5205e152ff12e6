"""What is counted of a height image (`dcrdf.scans.depth_counts`), as torch operations for a graph.

The same numbers as numpy and OpenCV count; a test holds both together.
"""

import math

import cv2
import torch
from torch import Tensor
from torch.nn import functional

from dcrdf.preparation.normalise import CLIP
from dcrdf.scans.depth_counts import NEAR_PX
from dcrdf.scoring.depth_sensor import DepthReadings


def depth_readings(height: Tensor, valid: Tensor, inside: Tensor, on_part: Tensor) -> DepthReadings:
    """Readings of heights (B, S, S) float32 and of masks (B, S, S) bool."""
    return DepthReadings(
        _hole_shares(valid, inside),
        _hole_shares(valid, on_part),
        _noise_levels(height, valid),
        _near_holes(valid, inside),
    )


def _hole_shares(valid: Tensor, where: Tensor) -> Tensor:
    missing = (where & ~valid).sum(dim=(1, 2)).float()
    return missing / where.sum(dim=(1, 2)).clamp_min(1).float()


def _near_holes(valid: Tensor, inside: Tensor) -> Tensor:
    """Holes dilated by a disc: a convolution with it finds at least one."""
    side = 2 * NEAR_PX + 1
    disc = torch.from_numpy(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))).float()
    holes = (inside & ~valid).float().unsqueeze(1)
    return functional.conv2d(holes, disc[None, None], padding=NEAR_PX).squeeze(1) > 0.5


def _noise_levels(height: Tensor, valid: Tensor) -> Tensor:
    around = height[:, :-2, 1:-1] + height[:, 2:, 1:-1] + height[:, 1:-1, :-2] + height[:, 1:-1, 2:]
    laplacian = 4.0 * height[:, 1:-1, 1:-1] - around
    known = valid & (height > CLIP[0]) & (height < CLIP[1])
    seen = known[:, 1:-1, 1:-1] & known[:, :-2, 1:-1] & known[:, 2:, 1:-1]
    seen = seen & known[:, 1:-1, :-2] & known[:, 1:-1, 2:]
    ascending = laplacian.abs().masked_fill(~seen, torch.inf).flatten(1).sort(dim=1).values
    count = seen.flatten(1).sum(dim=1, keepdim=True)
    below = ascending.gather(1, ((count - 1) // 2).clamp_min(0))
    above = ascending.gather(1, (count // 2).clamp_max(ascending.shape[1] - 1))
    median = torch.where(count > 0, 0.5 * (below + above), 0.0).squeeze(1)
    return median / (math.sqrt(20.0) / 1.4826)
