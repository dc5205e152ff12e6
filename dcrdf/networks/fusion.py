"""CM-SEGF: the cross-modal squeeze-excitation gate that fuses two anomaly maps per pixel
(docs/method.md, section 5)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from dcrdf.networks.teacher import Features


class CrossModalGate(nn.Module):
    """Student features of both modalities -> s in (0, 1); fused map = s p_rgb + (1 - s) p_depth.

    `channels` is the sum of the stages' channels. Features are brought to stride 4 and s is
    upsampled from there. With `evidence_maps` the gate also sees p_rgb, p_depth, |p_rgb - p_depth|.
    """

    def __init__(self, channels: int, hidden: int, evidence_maps: bool) -> None:
        super().__init__()
        self.excite = nn.Sequential(
            nn.Linear(4 * channels, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, channels),
            nn.Sigmoid(),
        )
        self.evidence_maps = evidence_maps
        inputs = 6 if evidence_maps else 3
        self.depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs)
        self.pointwise = nn.Conv2d(inputs, 1, 1)

    def forward(self, rgb: Features, depth: Features, p_rgb: Tensor, p_depth: Tensor) -> Tensor:
        """The weight s of the colour map: (B, H, W) at the maps' size."""
        rgb_joined, depth_joined = _join(rgb), _join(depth)
        z_rgb, z_depth = _pool(rgb_joined), _pool(depth_joined)
        gated_rgb = self._gate(torch.cat([z_rgb, z_depth], dim=1)) * rgb_joined
        gated_depth = self._gate(torch.cat([z_depth, z_rgb], dim=1)) * depth_joined
        evidence = [
            gated_rgb.abs().mean(dim=1),
            gated_depth.abs().mean(dim=1),
            (gated_rgb - gated_depth).abs().mean(dim=1),
        ]
        if self.evidence_maps:
            size = evidence[0].shape[-2:]
            maps = torch.stack([p_rgb, p_depth, (p_rgb - p_depth).abs()], dim=1)
            evidence += list(functional.interpolate(maps, size, mode="area").unbind(dim=1))
        weight = torch.sigmoid(self.pointwise(self.depthwise(torch.stack(evidence, dim=1))))
        size = p_rgb.shape[-2:]
        upsampled = functional.interpolate(weight, size, mode="bilinear", align_corners=False)
        return upsampled.squeeze(1)

    def _gate(self, pooled: Tensor) -> Tensor:
        gate: Tensor = self.excite(pooled)
        return gate[:, :, None, None]


def _join(features: Features) -> Tensor:
    size = features[0].shape[-2:]
    upsampled = [
        functional.interpolate(x, size, mode="bilinear", align_corners=False) for x in features[1:]
    ]
    return torch.cat([features[0], *upsampled], dim=1)


def _pool(features: Tensor) -> Tensor:
    return torch.cat([features.mean(dim=(2, 3)), features.amax(dim=(2, 3))], dim=1)
