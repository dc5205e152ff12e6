"""Point-MAE's encoder: a transformer over groups of points, named as in its published file.

Pang et al., ECCV 2022; as a frozen extractor of features in M3DM (Wang et al., CVPR 2023) and
CMDIAD, which joins blocks 4 and 12.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from dcrdf.networks.vision_transformer import Block

WIDTH, HEADS = 384, 6
GROUP_WIDTH = 256
"""Of the first half of the groups' network."""
NORM_EPS = 1e-5
GROUPS_AT_ONCE = 64
PREFIX = "MAE_encoder."


class GroupEncoder(nn.Module):
    """PointNet (Qi et al., CVPR 2017): a group in whatever order its points come."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first_conv = nn.Sequential(
            nn.Conv1d(3, 128, 1), nn.BatchNorm1d(128), nn.ReLU(), nn.Conv1d(128, GROUP_WIDTH, 1)
        )
        self.second_conv = nn.Sequential(
            nn.Conv1d(2 * GROUP_WIDTH, 512, 1),
            nn.BatchNorm1d(512),
            nn.ReLU(),
            nn.Conv1d(512, width, 1),
        )

    def forward(self, points: Tensor) -> Tensor:
        """Groups (G, K, 3) of points relative to their centres -> (G, width)."""
        each = self.first_conv(points.transpose(1, 2))
        whole = each.amax(dim=2)
        # The layer after joins the group's maximum to each point; it is the same for all of these.
        join = self.second_conv[0]
        assert isinstance(join, nn.Conv1d)
        of_whole, of_each = join.weight.split(GROUP_WIDTH, dim=1)
        shared = functional.linear(whole, of_whole[:, :, 0], join.bias)
        mixed = functional.conv1d(each, of_each) + shared[:, :, None]
        described: Tensor = self.second_conv[1:](mixed).amax(dim=2)
        return described


class PointTransformer(nn.Module):
    """Groups and their centres -> tokens after some blocks, each through the final norm, joined.

    The centres' places are added before every block. Use in evaluation mode: the groups' network
    normalises by statistics of its training.
    """

    def __init__(
        self, width: int = WIDTH, heads: int = HEADS, taken_after: tuple[int, ...] = (4, 12)
    ) -> None:
        super().__init__()
        self.taken_after = taken_after
        self.encoder = GroupEncoder(width)
        self.pos_embed = nn.Sequential(nn.Linear(3, 128), nn.GELU(), nn.Linear(128, width))
        blocks = nn.ModuleList(
            Block(width, heads, False, qkv_bias=False, norm_eps=NORM_EPS)
            for _ in range(taken_after[-1])
        )
        self.blocks = nn.ModuleDict({"blocks": blocks})
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)

    def forward(self, groups: Tensor, centres: Tensor) -> Tensor:
        """Groups (B, G, K, 3) relative to their centres (B, G, 3), in metres -> (B, G, C): width
        times the number of blocks taken."""
        some = groups.flatten(0, 1).split(GROUPS_AT_ONCE)
        tokens = torch.cat([self.encoder(x) for x in some]).unflatten(0, centres.shape[:2])
        places = self.pos_embed(centres)
        features = []
        for number, block in enumerate(self.blocks["blocks"].children(), start=1):
            tokens = block(tokens + places)
            if number in self.taken_after:
                features.append(self.norm(tokens))
        return torch.cat(features, dim=2)


def encoder_weights(entries: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The encoder's among the entries of `base_model` in the published file, by our names.

    Those of the decoder, which pretraining needed, are left out.
    """
    plain = {name.removeprefix("module."): value for name, value in entries.items()}
    return {
        name.removeprefix(PREFIX): value for name, value in plain.items() if name.startswith(PREFIX)
    }
