"""Point-MAE's features of groups of points, brought to the places of a grid."""

from pathlib import Path

import torch
from torch import Tensor, nn

from dcrdf.config.detectors import ResilientOptions
from dcrdf.errors import UserError
from dcrdf.files.digests import sha256_of_file
from dcrdf.networks.geometry.groups import farthest_points, groups
from dcrdf.networks.geometry.interpolation import interpolated, place_means
from dcrdf.networks.geometry.point_transformer import WIDTH, PointTransformer, encoder_weights
from dcrdf.networks.geometry.sampling import SamplingRule, pixels, sampled
from dcrdf.networks.geometry.windows import pitch_m, thinned

CENTRES, GROUP = 1024, 128
"""As in the relatives of the paper that have code (M3DM, CMDIAD)."""
ASKED_PX = 2
"""Values are asked for at every second pixel."""


class PointGroups(nn.Module):
    """The pretrained network, a part of the model once its file is read."""

    channels = 2 * WIDTH

    def __init__(self, options: ResilientOptions) -> None:
        super().__init__()
        self.options = options
        self.transformer = PointTransformer().requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "PointGroups":
        """Stay in evaluation mode: statistics are those of the pretraining."""
        return super().train(False)

    def read_weights(self) -> None:
        """Fill the network from the options' file; `UserError` where it is not that file, or lacks
        a layer."""
        path = Path(str(self.options.geometry_weights))
        where = "options.geometry_weights"
        if not path.is_file():
            raise UserError(f"{where}: {path}: no such file")
        if (found := sha256_of_file(path)) != self.options.geometry_sha256:
            raise UserError(f"{path}: not the file of options.geometry_sha256: {found}")
        try:
            held = torch.load(path, map_location="cpu", weights_only=True)
            self.transformer.load_state_dict(encoder_weights(held["base_model"]))
        except Exception as error:
            # Damaged files and other networks' raise many kinds; all mean the same to the user.
            reason = str(error).strip().splitlines()[-1:] or [type(error).__name__]
            raise UserError(f"{path}: not Point-MAE's weights: {reason[0].strip()}") from None

    def forward(
        self,
        points: Tensor,
        normals: Tensor,
        given: Tensor,
        response: Tensor,
        rule: SamplingRule,
        place_px: int,
    ) -> tuple[Tensor, Tensor]:
        """Values (B, 768, h, w) and where there are any (B, h, w), of points and normals
        (B, 3, H, W) where both are given (B, H, W), with the edge response."""
        asked_points, asked_normals, asked = (
            thinned(x, ASKED_PX) for x in (points, normals, given)
        )
        values = points.new_zeros((len(points), self.channels, *asked.shape[1:]))
        found = torch.zeros_like(asked)
        for i, pitch in enumerate(pitch_m(points, given).tolist()):
            if not pitch:
                continue
            cloud, directions = pixels(points[i], given[i]), pixels(normals[i], given[i])
            if self.options.centres == "voxel":
                samples = sampled(cloud, response[i][given[i]], pitch, rule)
                cloud_of, directions_of = samples.of(cloud), samples.directions(directions)
            else:
                cloud_of, directions_of = cloud, directions
            chosen = farthest_points(cloud_of, CENTRES)
            centres = cloud_of[chosen]
            tokens = self.transformer(groups(cloud, centres, GROUP)[None], centres[None])[0]
            reach_m = rule.largest_pitches * pitch
            back, near = interpolated(
                pixels(asked_points[i], asked[i]), pixels(asked_normals[i], asked[i]),
                centres, directions_of[chosen], tokens,
                within_m=2.0 * reach_m, sigma_m=reach_m / 2.0,
            )  # fmt: skip
            values[i][:, asked[i]] = back.T
            found[i][asked[i]] = near
        return place_means(values, found, place_px // ASKED_PX)
