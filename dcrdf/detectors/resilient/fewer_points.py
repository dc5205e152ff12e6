"""Which points of a cloud stand for all: voxels, and edges by what training parts show."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from dcrdf.config.detectors import ResilientOptions
from dcrdf.networks.geometry.sampling import SamplingRule


class FewerPoints(nn.Module):
    """The rule, and the edge response that `edge_share` of all training points exceed: one number
    for all images, since a quantile of each would find room for a defect's edges nowhere."""

    edge_threshold: Tensor

    def __init__(self, options: ResilientOptions) -> None:
        super().__init__()
        self.options = options
        self.register_buffer("edge_threshold", torch.full((), torch.inf))

    @property
    def keeps_edges(self) -> bool:
        """Whether there is a threshold to fit."""
        return self.options.edge_share > 0.0

    def fit(self, responses: Iterable[Tensor]) -> None:
        """From the edge responses (n,) of all training points, image by image."""
        every = torch.cat(list(responses))
        rank = round(self.options.edge_share * len(every))
        if rank:
            self.edge_threshold.copy_(every.sort(descending=True).values[rank - 1])

    @property
    def rule(self) -> SamplingRule:
        """Sizes in the points' pitch."""
        return SamplingRule(
            self.options.voxel_min_pitch,
            self.options.voxel_max_pitch,
            None if self.options.sampling == "fixed" else self.options.voxel_alpha,
            float(self.edge_threshold),
        )
