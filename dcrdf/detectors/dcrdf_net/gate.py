"""CM-SEGF: the cross-modal squeeze-excitation gate that fuses two anomaly maps per pixel
(docs/method.md, section 5)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from dcrdf.detectors.dcrdf_net.gated_sums import gated_sums
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
        rgb, depth = _at_first_size(rgb), _at_first_size(depth)
        z_rgb, z_depth = _pool(rgb), _pool(depth)
        evidence = self._evidence(
            self.excite(torch.cat([z_rgb, z_depth], dim=1)), rgb,
            self.excite(torch.cat([z_depth, z_rgb], dim=1)), depth,
        )  # fmt: skip
        if self.evidence_maps:
            maps = torch.stack([p_rgb, p_depth, (p_rgb - p_depth).abs()], dim=1)
            small = functional.interpolate(maps, evidence.shape[-2:], mode="area")
            evidence = torch.cat([evidence, small], dim=1)
        weight = torch.sigmoid(self.pointwise(self.depthwise(evidence)))
        size = p_rgb.shape[-2:]
        upsampled = functional.interpolate(weight, size, mode="bilinear", align_corners=False)
        return upsampled.squeeze(1)

    @staticmethod
    def _evidence(gate_rgb: Tensor, rgb: Features, gate_depth: Tensor, depth: Features) -> Tensor:
        """Means over all stages' channels of the gated features and of their difference."""
        channels = [x.shape[1] for x in rgb]
        gates = zip(gate_rgb.split(channels, 1), gate_depth.split(channels, 1), strict=True)
        sums = [
            gated_sums(of_rgb, x, of_depth, y)
            for (of_rgb, of_depth), x, y in zip(gates, rgb, depth, strict=True)
        ]
        return torch.stack(sums).sum(dim=0) / sum(channels)


def _at_first_size(features: Features) -> Features:
    size = features[0].shape[-2:]
    upsampled = [
        functional.interpolate(x, size, mode="bilinear", align_corners=False) for x in features[1:]
    ]
    return [features[0], *upsampled]


def _pool(features: Features) -> Tensor:
    means = [x.mean(dim=(2, 3)) for x in features]
    return torch.cat(means + [x.amax(dim=(2, 3)) for x in features], dim=1)
